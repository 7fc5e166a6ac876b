import { load } from './native/index.js';

export const add = load();
