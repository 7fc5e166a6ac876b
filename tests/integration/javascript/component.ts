// A program in TypeScript that uses the component itself, with the types of its WIT.
import { type Component, type Exports, type Imports, type ModuleName, identity, load } from 'ferrule-email-validator/component';

const imports: Imports = {
    'ferrule:email-validator/overrides@0.1.0': {
        isFreeEmail: (domain) => domain.startsWith('free.'),
        isDisposableEmail: () => false,
        hasMxRecords: () => true,
        hasGravatar: (email: string) => email.includes('@'),
    },
    'ferrule:email-validator/logger@0.1.0': { debug() {}, error() {} },
};
const component: Component = await load();
const again = await load({ 'email-validator.core.wasm': component.modules.get('email-validator.core.wasm')! });
const one: Exports = await component.instantiate(imports);
const other: Exports = again.instantiateSync(imports);
const options = { requireTopLevelDomain: true, allowDomainLiteral: false, blockedEmails: ['FREE'] };
export const json: string[] = [one, other].map((made) => made.isValidEmail('joe@free.example', options));
export const names: ModuleName[] = [...component.modules.keys()];
export const version: string = identity.version;

// @ts-expect-error - there is no such module
await load({ 'other.wasm': new URL('file:///other.wasm') });
// @ts-expect-error - an import is missing
component.instantiateSync({});
// @ts-expect-error - an option is missing
one.isValidEmail('joe@example.com', { requireTopLevelDomain: true });
