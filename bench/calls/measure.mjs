// How the programs of this folder that are written in JavaScript measure a call.
const ENOUGH = 200_000; // microseconds

// CPU time of one call, from as many as take long enough, once it has been compiled. That of the engine's own threads
// is part of it, as no program is without them.
export function nanoseconds(call) {
    measured(call);
    return measured(call);
}

function measured(call) {
    for (let count = 100; ; count *= 2) {
        const start = process.cpuUsage();
        for (let i = 0; i < count; i++) call();
        const { user, system } = process.cpuUsage(start);
        if (user + system >= ENOUGH) return ((user + system) * 1000) / count;
    }
}
