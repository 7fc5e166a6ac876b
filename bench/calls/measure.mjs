// How the programs of this folder that are written in JavaScript measure a call.
const ENOUGH = 200_000_000n; // a fifth of a second

// Of one call, from as many as take long enough, once it has been compiled.
export function nanoseconds(call) {
    measured(call);
    return measured(call);
}

function measured(call) {
    for (let count = 100; ; count *= 2) {
        const start = process.hrtime.bigint();
        for (let i = 0; i < count; i++) call();
        const elapsed = process.hrtime.bigint() - start;
        if (elapsed >= ENOUGH) return Number(elapsed) / count;
    }
}
