// Sends and receives with rhea, a client of AMQP 1.0 in JavaScript. Argument: one JSON object
//   {url?, host?, port?, transport?, container?, username?, password?, external?, ca?, cert?, key?,
//    receive?: {address, count, settled?}, send?: {address, settled?, messages: [...]}}
// With `url` it goes over WebSocket. A message has fields of rhea, and as its body `text` (an AMQP value, `repeat` times) or
// `binary` (a data section). If it receives, it prints `ready` once the receiving link stands, and sends then.
// Output, last line: one JSON object {received, outcomes, errors}.
import { readFileSync } from 'node:fs';
import rhea from 'rhea';
import WebSocket from 'ws';

const job = JSON.parse(process.argv[2]);
const file = (path) => (path ? readFileSync(path) : undefined);
const tls = { ca: file(job.ca), cert: file(job.cert), key: file(job.key) };
const result = { received: [], outcomes: [], errors: [] };
const sends = job.send?.messages ?? [];
const container = rhea.create_container();
let sent = 0;
let settled = 0;

const options = {
    username: job.username,
    password: job.password,
    enable_sasl_external: job.external ?? false,
    container_id: job.container,
    reconnect: false,
};
if (job.url) {
    const websocket = container.websocket_connect(WebSocket);
    options.connection_details = websocket(job.url, ['amqp'], tls);
} else {
    Object.assign(options, tls, { host: job.host, port: job.port, transport: job.transport ?? 'tcp', servername: 'localhost' });
}

function send() {
    if (job.send) {
        connection.open_sender({ target: job.send.address, snd_settle_mode: job.send.settled ? 1 : 0 });
    }
}

function note(kind, error) {
    result.errors.push({ kind, condition: error?.condition ?? null, description: String(error?.description ?? error?.message ?? '') });
}

function closeIfDone() {
    const done = settled === sends.length && result.received.length >= (job.receive?.count ?? 0);
    if (done || result.errors.length > 0) {
        connection.close();
    }
}

container.on('connection_open', () => {
    if (job.receive) {
        connection.open_receiver({ source: job.receive.address, snd_settle_mode: job.receive.settled ? 1 : 0 });
    } else {
        send();
    }
});
container.on('receiver_open', () => {
    console.log('ready');
    send();
});
container.on('sendable', (context) => {
    while (sent < sends.length && context.sender.sendable()) {
        const { text, binary, repeat, ...fields } = sends[sent++];
        const body = binary === undefined ? text.repeat(repeat ?? 1) : rhea.message.data_section(Buffer.from(binary));
        context.sender.send({ ...fields, body });
        if (job.send.settled) {
            settled++;
        }
    }
    closeIfDone();
});
container.on('message', (context) => {
    const { message, delivery } = context;
    const body = message.body?.content ?? message.body;
    result.received.push({
        body: Buffer.isBuffer(body) ? body.toString() : body,
        settled: delivery.remote_settled,
        to: message.to,
        content_type: message.content_type,
        correlation_id: message.correlation_id,
        reply_to: message.reply_to,
        durable: message.durable ?? false,
        application_properties: message.application_properties,
        annotations: message.message_annotations,
    });
    closeIfDone();
});
for (const outcome of ['accepted', 'rejected', 'released', 'modified']) {
    container.on(outcome, (context) => {
        const error = context.delivery.remote_state?.error;
        result.outcomes.push(error ? `${outcome} ${error.condition}` : outcome);
    });
}
container.on('settled', () => {
    settled++;
    closeIfDone();
});
for (const kind of ['connection_error', 'session_error', 'sender_error', 'receiver_error']) {
    container.on(kind, (context) => {
        note(kind, context.error ?? (context.sender ?? context.receiver ?? context.session ?? context.connection).error);
        closeIfDone();
    });
}
container.on('error', (error) => note('error', error));
container.on('disconnected', (context) => {
    if (context.error) {
        note('disconnected', context.error);
    }
    finish();
});
container.on('connection_close', finish);

let finished = false;
function finish() {
    if (!finished) {
        finished = true;
        process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0));
    }
}

const connection = container.connect(options);
