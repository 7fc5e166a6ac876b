// What the bindings of every library share.

/** The native library is missing, cannot be loaded on this machine, has another interface, or does not keep to it. */
export class LibraryError extends Error {
    name = 'LibraryError';
}

// Memory. What is copied for a call lies in one block, which calls take from as from a stack: the newest gives back
// first. Its addresses are known, so that neither a pointer nor a view is made for each of them.

const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const ROOM = 65536;
const STACK = blockOf(ROOM);
const BASE = koffi.address(STACK.bytes);
const ADDRESSES = new Array(ROOM / 8);
let stackTop = 0;

/** Memory of its own: `Buffer.from` shares that of an ArrayBuffer, which never moves. */
function blockOf(size) {
    const memory = new ArrayBuffer(size);
    return { bytes: Buffer.from(memory), view: new DataView(memory) };
}

/** A part of a block; `length` is how much of it is used. */
class MemoryPiece {
    constructor(block, at, address, length) {
        this.bytes = block.bytes;
        this.view = block.view;
        this.at = at;
        this.address = address;
        this.length = length;
    }
}

/** Memory that stays as long as this object; what is handed to C lies in it. */
class OwnMemory {
    blocks = [];

    /** So many bytes, all 0, where anything may lie; never null. */
    take(size) {
        const block = blockOf(Math.max(size, 8));
        this.blocks.push(block);
        return new MemoryPiece(block, 0, koffi.address(block.bytes), size);
    }

    /** UTF-8, with a NUL behind it. */
    text(value, label) {
        const most = checkedText(value, label).length < 4096 ? 3 * value.length : Buffer.byteLength(value);
        const piece = this.take(most + 1);
        piece.length = piece.bytes.write(value, piece.at);
        return piece;
    }

    /** UTF-8 for what ends with a NUL. */
    terminated(value, label) {
        if (checkedText(value, label).includes('\0')) {
            throw new TypeError(`${label} holds a NUL, at which the library would end it`);
        }
        return this.text(value, label);
    }

    terminatedOrNull(value, label) {
        return value === undefined || value === null ? NULL : this.terminated(value, label);
    }

    /** Texts in the structure that has a pointer and a length; `length` is how many they are. */
    texts(values, struct, label) {
        const all = Array.from(iterable(values, label), (one) => checkedText(one, label));
        const data = this.take(all.reduce((sum, one) => sum + 3 * one.length, 0));
        const list = this.take(all.length * struct.size);
        const [atData, atLength] = Object.values(struct.at);
        let to = 0;
        all.forEach((one, number) => {
            const length = data.bytes.write(one, data.at + to);
            C.uintptr_t.set(list, number * struct.size + atData, data.address + BigInt(to));
            C.size_t.set(list, number * struct.size + atLength, BigInt(length));
            to += length;
        });
        list.length = all.length;
        return list;
    }

    /** Numbers of a type of C; `length` is how many they are, and no numbers at all are null. */
    numbers(values, scalar, label) {
        if (values === undefined || values === null) return NULL;
        if (TAG.call(values) === scalar.array) {
            const bytes = new Uint8Array(MEMORY.call(values), OFFSET.call(values), SIZE.call(values));
            const piece = this.take(bytes.length);
            piece.bytes.set(bytes, piece.at);
            piece.length = LENGTH.call(values);
            return piece;
        }
        const all = Array.from(iterable(values, label), (one) => scalar.check(one, label));
        const piece = this.take(all.length * scalar.size);
        all.forEach((one, number) => scalar.set(piece, number * scalar.size, one));
        piece.length = all.length;
        return piece;
    }

    /** Write where a structure points to and how long that is. */
    point(piece, at, atLength, to) {
        C.uintptr_t.set(piece, at, to.address);
        if (atLength !== undefined) C.size_t.set(piece, atLength, BigInt(to.length));
    }
}

const NULL = new MemoryPiece(STACK, 0, 0n, 0);
const NOTHING = new OwnMemory().take(8);

function checkedText(value, label) {
    if (typeof value !== 'string') throw new TypeError(`${label} is no text`);
    if (!value.isWellFormed()) throw new TypeError(`${label} holds half of a surrogate pair, which UTF-8 has not`);
    return value;
}

function iterable(values, label) {
    if (typeof values === 'object' && values !== null && Symbol.iterator in values) return values;
    throw new TypeError(`${label} is no list`);
}

// Calls.

let runningCall = null;

/** A call of the library that is running: what it uses, and what its callbacks throw. */
class RunningCall extends OwnMemory {
    outer = runningCall;
    from = stackTop;
    uses = [];
    written = [];
    /** Whether callbacks may run in it, by which JavaScript could take away the memory that it borrows. */
    callsBack = false;
    failed = false;
    failure = undefined;

    constructor() {
        super();
        runningCall = this;
    }

    take(size) {
        const at = stackTop;
        if (at + size > ROOM) return super.take(size);
        stackTop = (at + size + 7) & ~7;
        return new MemoryPiece(STACK, at, (ADDRESSES[at >> 3] ??= BASE + BigInt(at)), size);
    }

    /** The pointer of a handle: shared where C only reads it, and else nobody else's. Throws ClosedError, BusyError. */
    use(handle, shared) {
        if (handle.closed) throw new ClosedError(`the ${handle.noun} was closed`);
        if (handle.users !== 0 && (!shared || handle.users < 0)) throw handle.busy();
        handle.users += shared ? 1 : -1;
        this.uses.push(handle);
        this.callsBack ||= handle.callsBack;
        return handle.pointer;
    }

    /** Memory of the caller's. It is borrowed, or copied for as long as callbacks may run. */
    buffer(value, array, label, writable) {
        const tag = TAG.call(value);
        if (tag !== array && !(tag === 'Uint8ClampedArray' && array === 'Uint8Array')) {
            throw new TypeError(`${label} is no ${array}`);
        }
        const memory = MEMORY.call(value);
        if (utilTypes.isSharedArrayBuffer(memory)) {
            throw new TypeError(`${label} is shared with other threads, which could write to it meanwhile`);
        }
        if (memory.resizable) throw new TypeError(`${label} has memory that can be resized`);
        const bytes = new Uint8Array(memory, OFFSET.call(value), SIZE.call(value)); // throws if it was detached
        const length = LENGTH.call(value);
        if (length === 0) return { pointer: NOTHING.address, length };
        if (!this.callsBack) return { pointer: value, length };
        const copy = this.take(bytes.length);
        copy.bytes.set(bytes, copy.at);
        if (writable) this.written.push([bytes, copy, label]);
        return { pointer: copy.address, length };
    }

    /** The library has returned: give the caller what it wrote, and throw what a callback threw. */
    finish() {
        for (const [bytes, copy] of this.written) {
            if (bytes.length !== 0) bytes.set(copy.bytes.subarray(copy.at, copy.at + copy.length));
        }
        if (this.failed) throw this.failure;
        const detached = this.written.find(([bytes]) => bytes.length === 0);
        if (detached !== undefined) throw new TypeError(`${detached[2]} was detached by a callback`);
    }

    /** Give back what it used; nothing that was copied for it stays in memory. */
    end() {
        runningCall = this.outer;
        STACK.bytes.fill(0, this.from, stackTop);
        stackTop = this.from;
        for (const { bytes } of this.blocks) bytes.fill(0);
        for (const handle of this.uses) handle.users -= Math.sign(handle.users);
    }
}

const ARRAY = Object.getPrototypeOf(Uint8Array.prototype);
const getterOf = (name) => Reflect.getOwnPropertyDescriptor(ARRAY, name).get;
const [TAG, MEMORY, OFFSET] = [getterOf(Symbol.toStringTag), getterOf('buffer'), getterOf('byteOffset')];
const [SIZE, LENGTH] = [getterOf('byteLength'), getterOf('length')];

/** Throw where no call waits for it: the process is told, as of whatever nobody catches. */
function reportUncaught(failure) {
    setImmediate(() => {
        throw failure;
    });
}

// Callbacks. The library has a number as their user data, by which they are looked up: one that is called after its
// handle was freed finds nothing, and harms nothing.

const LIVE = new Map();
let lastNumber = 0;

/** The functions of a structure, and its memory, as the library may keep it. */
class LiveCallbacks extends OwnMemory {
    number = (lastNumber += 1);

    constructor(owner, released) {
        super();
        this.owner = owner;
        this.released = released;
        this.functions = Object.create(null);
        LIVE.set(this.number, this);
    }

    /** Take a function in, and give the pointer that C calls it by. */
    add(name, value, pointer) {
        if (value === undefined || value === null) return 0n;
        if (typeof value !== 'function') throw new TypeError(`${name} is no function`);
        this.functions[name] = value;
        return pointer();
    }

    /** Its handle was freed; where the library says itself when it needs them no more, that is not now. */
    freed() {
        if (!this.released) this.drop();
    }

    drop() {
        LIVE.delete(this.number);
    }
}

/**
 * What makes the one pointer of all functions of a kind, when it is first needed.
 *
 * `at` is the parameter with their number, `failed` what C is given where a function throws.
 */
function functionPointer(name, returns, takes, at, failed, work) {
    let pointer;
    const relay = (...handed) => {
        try {
            if (runningCall !== null && runningCall.failed) return failed;
            const callbacks = LIVE.get(handed[at]);
            if (callbacks === undefined || callbacks.functions[name] === undefined) {
                throw new LibraryError(`the library called ${name} after it was freed`);
            }
            return work((...values) => callbacks.functions[name].apply(callbacks.owner, values), handed);
        } catch (failure) {
            if (runningCall === null) {
                reportUncaught(failure);
            } else {
                runningCall.failure = failure;
                runningCall.failed = true;
            }
            return failed;
        }
    };
    return () => (pointer ??= registered(relay, returns, takes));
}

/** What makes the pointer of the function that the library calls when it needs functions no more. */
function releasePointer() {
    let pointer;
    const drop = (number) => LIVE.get(number)?.drop();
    return () => (pointer ??= registered(drop, 'void', ['uintptr_t']));
}

let isRegistered = false;

/** A function of JavaScript as C calls it. */
function registered(relay, returns, takes) {
    if (isMainThread && !isRegistered) nodeProcess.once('exit', endAtOnce);
    isRegistered = true;
    return koffi.register(relay, koffi.pointer(koffi.proto(returns, takes)));
}

/**
 * End the process when all have heard that it ends, and do not take Node.js apart before: a thread of the library's
 * that calls back then would find nothing to call.
 */
function endAtOnce() {
    queueMicrotask(() => nodeProcess.exit());
}

// Handles.

/** Something of the library's, which is freed once, when no call and nothing that was made with it uses it. */
class OpenHandle {
    closed = false;
    /** How many calls read it; -1 while one may write to it. */
    users = 0;
    children = 0;

    constructor(type, noun, pointer, free, live, parents) {
        this.type = type;
        this.noun = noun;
        this.pointer = pointer;
        this.free = free;
        this.live = live;
        this.parents = parents;
        this.callsBack = live.length !== 0 || parents.some((parent) => parent.callsBack);
        for (const parent of parents) parent.children += 1;
    }

    busy() {
        return new BusyError(`the ${this.noun} is used by a call that has not returned`);
    }

    close() {
        if (this.closed) return;
        if (this.users !== 0) throw this.busy();
        this.closed = true;
        FORGOTTEN.unregister(this);
        this.end();
    }

    end() {
        if (!this.closed || this.children !== 0 || this.pointer === null) return;
        const { pointer } = this;
        this.pointer = null;
        // Before it is freed: from then on the library may give the pointer to another.
        OPEN.delete(pointer);
        const call = new RunningCall();
        try {
            this.free(pointer);
            call.finish();
        } finally {
            call.end();
            for (const callbacks of this.live) callbacks.freed();
            for (const parent of this.parents) {
                parent.children -= 1;
                parent.end();
            }
        }
    }
}

const FORGOTTEN = new FinalizationRegistry((handle) => handle.close());

/** Undo what a call made that failed. */
function discardMade(handle, live) {
    try {
        handle?.close();
    } catch (failure) {
        reportUncaught(failure);
    }
    for (const callbacks of live) callbacks.drop();
}

/** The handles that are not freed, by their pointers. */
const OPEN = new Map();
const FIRST_PAGE = 4096n;

/**
 * The handle of a pointer that the library gave; null has none.
 *
 * Throws LibraryError for one that is open: it would be freed twice. What has no size lies in the first page, where
 * nothing else does, and may have the pointer of another.
 */
function madeHandle(type, noun, pointer, free, live, ...parents) {
    if (pointer === null || pointer === 0n) return null;
    const open = OPEN.get(pointer);
    if (open !== undefined) throw new LibraryError(`the library gave a ${open.noun} that is open as a new ${noun}`);
    const handle = new OpenHandle(type, noun, pointer, free, live, parents);
    if (pointer >= FIRST_PAGE) OPEN.set(pointer, handle);
    return handle;
}

let handleOf;

class ClosingObject {
    #handle;

    constructor(handle) {
        this.#handle = handle;
        FORGOTTEN.register(this, handle, handle);
    }

    static {
        handleOf = (value, type, label) => {
            if (typeof value === 'object' && value !== null && #handle in value && value.#handle.type === type) {
                return value.#handle;
            }
            throw new TypeError(`${label} is no ${type.name}`);
        };
    }

    close() {
        this.#handle.close();
    }
}
if (Symbol.dispose) ClosingObject.prototype[Symbol.dispose] = ClosingObject.prototype.close;

// Values.

/** Whole numbers of a type of C; those that have 64 bits on some machine are BigInts on all. */
function wholeNumber(type, wide) {
    const size = koffi.sizeof(type);
    const signed = !/^u|^size/.test(type);
    const name = `${signed ? '' : 'U'}int${8 * size}`;
    const method = size === 8 ? (signed ? 'BigInt64' : 'BigUint64') : signed ? `Int${8 * size}` : `Uint${8 * size}`;
    const bits = 8 * size - (signed ? 1 : 0);
    const least = signed ? -(2n ** BigInt(bits)) : 0n;
    const most = 2n ** BigInt(bits) - 1n;
    const [low, high] = [Number(least), Number(most)];
    const get = DataView.prototype[`get${method}`];
    const set = DataView.prototype[`set${method}`];
    const inner = (value) => (size === 8 ? value : Number(value));
    const outside = (value, label) => new RangeError(`${label} is ${value}, which does not fit into ${type}`);
    const fit = signed ? (value) => BigInt.asIntN(8 * size, value) : (value) => BigInt.asUintN(8 * size, value);
    if (!wide) {
        return {
            type,
            size,
            array: `${method}Array`,
            check(value, label) {
                if (typeof value !== 'number') throw new TypeError(`${label} is no number`);
                if (!Number.isInteger(value) || value < low || value > high) throw outside(value, label);
                return value;
            },
            from: (value) => value,
            get: (piece, at) => get.call(piece.view, piece.at + at, LITTLE),
            set: (piece, at, value) => set.call(piece.view, piece.at + at, value, LITTLE),
        };
    }
    return {
        type,
        size,
        array: `${method}Array`,
        check(value, label) {
            if (typeof value === 'number') {
                if (!Number.isInteger(value)) throw outside(value, label);
                if (!Number.isSafeInteger(value)) {
                    throw new RangeError(`${label} is ${value}, which may be another number by rounding: give a BigInt`);
                }
                value = BigInt(value);
            }
            if (typeof value !== 'bigint') throw new TypeError(`${label} is no whole number`);
            if (value < least || value > most) throw outside(value, label);
            return value;
        },
        // Of callbacks koffi has unsigned numbers as signed ones.
        from: (value) => fit(BigInt(value)),
        get: (piece, at) => BigInt(get.call(piece.view, piece.at + at, LITTLE)),
        set: (piece, at, value) => set.call(piece.view, piece.at + at, inner(value), LITTLE),
    };
}

/** Floating-point numbers; what is beyond their range is refused, and never becomes infinite. */
function realNumber(type, bits, round) {
    const get = DataView.prototype[`getFloat${bits}`];
    const set = DataView.prototype[`setFloat${bits}`];
    return {
        type,
        size: bits / 8,
        array: `Float${bits}Array`,
        check(value, label) {
            if (typeof value !== 'number') throw new TypeError(`${label} is no number`);
            if (!Number.isFinite(round(value)) && Number.isFinite(value)) {
                throw new RangeError(`${label} is ${value}, which does not fit into ${type}`);
            }
            return value;
        },
        from: (value) => value,
        get: (piece, at) => get.call(piece.view, piece.at + at, LITTLE),
        set: (piece, at, value) => set.call(piece.view, piece.at + at, value, LITTLE),
    };
}

const C = Object.freeze({
    int8_t: wholeNumber('int8_t'),
    uint8_t: wholeNumber('uint8_t'),
    int16_t: wholeNumber('int16_t'),
    uint16_t: wholeNumber('uint16_t'),
    int32_t: wholeNumber('int32_t'),
    uint32_t: wholeNumber('uint32_t'),
    int64_t: wholeNumber('int64_t', true),
    uint64_t: wholeNumber('uint64_t', true),
    size_t: wholeNumber('size_t', true),
    intptr_t: wholeNumber('intptr_t', true),
    uintptr_t: wholeNumber('uintptr_t', true),
    short: wholeNumber('short'),
    unsigned_short: wholeNumber('unsigned short'),
    int: wholeNumber('int'),
    unsigned_int: wholeNumber('unsigned int'),
    long: wholeNumber('long', true),
    unsigned_long: wholeNumber('unsigned long', true),
    long_long: wholeNumber('long long', true),
    unsigned_long_long: wholeNumber('unsigned long long', true),
    float: realNumber('float', 32, Math.fround),
    double: realNumber('double', 64, (value) => value),
    bool: {
        type: 'bool',
        size: koffi.sizeof('bool'),
        array: 'none',
        check(value, label) {
            if (typeof value !== 'boolean') throw new TypeError(`${label} is neither true nor false`);
            return value;
        },
        from: (value) => value,
        get: (piece, at) => piece.view.getUint8(piece.at + at) !== 0,
        set: (piece, at, value) => piece.view.setUint8(piece.at + at, Number(value)),
    },
});

/** Where the fields of a structure lie on this machine. */
function layoutOf(fields) {
    const type = koffi.struct(fields);
    const offsets = Object.entries(type.members).map(([name, field]) => [name, field.offset]);
    return { size: type.size, at: Object.fromEntries(offsets) };
}

/** A member of an enumeration; throws RangeError for a number that is none. */
function memberOf(members, value, name) {
    if (Object.values(members).includes(value)) return value;
    throw new RangeError(`${value} is no ${name}`);
}

/** These properties of an object; throws TypeError where it has another, such as one that is misspelled. */
function withOnly(value, name, ...properties) {
    if (typeof value !== 'object') throw new TypeError(`${name} is no object`);
    const other = Object.keys(value).find((one) => !properties.includes(one));
    if (other !== undefined) throw new TypeError(`${name} has no ${other}; it has ${properties.join(', ') || 'none'}`);
    const taken = { __proto__: null };
    for (const one of properties) if (isOwn(value, one)) taken[one] = value[one];
    return taken;
}

/** Whether a property is the object's or that of its classes, and none that every object or class has. */
function isOwn(value, name) {
    if (Object.hasOwn(value, name)) return true;
    if (!(name in Object.prototype)) return name in value;
    const parent = Object.getPrototypeOf(value);
    return name !== 'constructor' && parent !== null && parent !== Object.prototype && isOwn(parent, name);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** So many elements of the library's, of which there is a copy then; null has none. */
function copyOf(pointer, length, scalar) {
    const count = Number(length);
    if (pointer === null || pointer === 0n || count === 0) return new ARRAYS[scalar.array](0);
    if (!Number.isSafeInteger(count * scalar.size)) throw new RangeError(`the library gave ${length} elements`);
    return koffi.decode(pointer, scalar.type, count);
}

const ARRAYS = {
    ...{ Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array },
    ...{ BigInt64Array, BigUint64Array, Float32Array, Float64Array },
};

/** A structure that the library points to, of which there is a copy then; throws TypeError where it points to none. */
function pointedAt(pointer, size, label) {
    if (pointer === null || pointer === 0n) throw new TypeError(`${label} is null, and no structure`);
    const bytes = copyOf(pointer, size, C.uint8_t);
    return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 };
}

/** A text of the library's; throws TypeError for what is no UTF-8. */
function decodedText(pointer, length, label) {
    const count = Number(length);
    if (pointer === null || pointer === 0n || count === 0) return '';
    if (count > bufferConstants.MAX_STRING_LENGTH) throw new RangeError(`${label} is a text of ${count} bytes`);
    const text = koffi.decode.string(pointer, count);
    if (!text.includes(REPLACEMENT)) return text;
    try {
        return UTF8.decode(copyOf(pointer, count, C.uint8_t));
    } catch (cause) {
        throw new TypeError(`${label} is no UTF-8`, { cause });
    }
}

/** What becomes of bytes that are no UTF-8, unless the text has this character itself. */
const REPLACEMENT = '\ufffd';

/** A text of the library's that ends with a NUL; throws TypeError for what is no UTF-8. */
function terminatedText(pointer, label) {
    if (pointer === null || pointer === 0n) return null;
    const text = koffi.decode.string(pointer);
    if (!text.includes(REPLACEMENT)) return text;
    let { length } = text;
    while (koffi.decode.uint8(BigInt(pointer) + BigInt(length)) !== 0) length += 1;
    return decodedText(pointer, length, label);
}

// Loading.

/** Open the library; throws LibraryError. */
function openedLibrary(path, name) {
    try {
        return koffi.load(path);
    } catch (cause) {
        const advice = 'install the package of this platform';
        throw new LibraryError(`the native library of ${name} cannot be loaded: ${cause.message}; ${advice}`, { cause });
    }
}

/** Throw LibraryError for a library of another version of the C interface. */
function checkVersion(version, needed, path, name) {
    if (version === needed) return;
    throw new LibraryError(
        `${basename(path)} has version ${version} of the C interface, and this package needs ${needed}: they are from ` +
            `different releases; install ${name} again`,
    );
}

/** What a library says of itself; throws LibraryError where that is no object of JSON. */
function informationOf(pointer, path, name) {
    try {
        const text = terminatedText(pointer, 'what it says of itself');
        const info = JSON.parse(text);
        if (typeof info === 'object' && info !== null) return info;
        throw new TypeError(`it says ${text} of itself, and no object`);
    } catch (cause) {
        throw new LibraryError(`${basename(path)} is not the library of ${name}: ${cause.message}`, { cause });
    }
}

/** Throw LibraryError for a library of another interface fingerprint, where both sides know theirs. */
function checkInterface(fingerprint, needed, path, name) {
    const unknown = [undefined, '', 'unreleased'];
    if (unknown.includes(needed) || unknown.includes(fingerprint) || fingerprint === needed) return;
    throw new LibraryError(
        `${basename(path)} has the interface ${String(fingerprint).slice(0, 16)}…, and this package was made for ` +
            `${needed.slice(0, 16)}…: they are from different releases; install ${name} again`,
    );
}

/** The functions of a library by their names here; throws LibraryError where one is missing. */
function declaredIn(library, path, name, functions) {
    try {
        return functions(library);
    } catch (cause) {
        throw new LibraryError(`${basename(path)} is not the library of ${name}: ${cause.message}`, { cause });
    }
}
