import { load } from './native/index.js';

export const { words } = load();
