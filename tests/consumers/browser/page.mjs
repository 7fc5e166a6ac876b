// Answers the vectors in a page, shows the lines, and hands them to the server that the page came from.
const show = (id, text) => (document.getElementById(id).textContent = text);
const send = (where, body) => fetch(where, { method: 'POST', body });

try {
    const { lines } = await import('/answers.mjs');
    const vectors = await (await fetch('/vectors.json')).json();
    const text = await lines(vectors);
    show('state', `${vectors.length} vectors answered by ${navigator.userAgent}`);
    show('lines', text);
    await send('/answers', text);
} catch (error) {
    show('state', `failed: ${error.stack}`);
    await send('/failure', `${error.stack}`);
}
