// A tour through MQTT.js, the npm module `mqtt`. Argument: one JSON object
//   {url, version, clientId, username?, password?, ca?, cert?, key?, base, will?}
// Output: one JSON object with what the broker answered and handed out.
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import mqtt from 'mqtt';

const job = JSON.parse(process.argv[2]);
const file = (path) => (path ? readFileSync(path) : undefined);

function connect(suffix, more = {}) {
    return mqtt.connectAsync(job.url, {
        clientId: job.clientId + suffix,
        protocolVersion: job.version,
        username: job.username,
        password: job.password,
        ca: file(job.ca),
        cert: file(job.cert),
        key: file(job.key),
        reconnectPeriod: 0,
        ...more,
    }, false);
}

/// The next `count` messages of a client, from now on.
function take(client, count) {
    return new Promise((resolve) => {
        const got = [];
        const keep = (topic, payload, packet) => {
            got.push({
                topic,
                payload: payload.toString(),
                qos: packet.qos,
                retain: packet.retain,
                properties: packet.properties && {
                    contentType: packet.properties.contentType,
                    responseTopic: packet.properties.responseTopic,
                    correlationData: packet.properties.correlationData?.toString(),
                    userProperties: packet.properties.userProperties,
                },
            });
            if (got.length === count) {
                client.off('message', keep);
                resolve(got);
            }
        };
        client.on('message', keep);
    });
}

const properties = job.version === 5 ? {
    properties: {
        contentType: 'text/plain',
        responseTopic: `${job.base}/answers`,
        correlationData: Buffer.from('7'),
        userProperties: { unit: 'K', place: ['north', 'roof'] },
    },
} : {};

const result = {};
const receiver = await connect('');
result.granted = (await receiver.subscribeAsync({
    [`${job.base}/live/#`]: { qos: 2 },
    [`${job.base}/low`]: { qos: 0 },
})).map((grant) => grant.qos);

const live = take(receiver, 4);
for (const qos of [0, 1, 2]) {
    await receiver.publishAsync(`${job.base}/live/${qos}`, `at ${qos}`, { qos, ...properties });
}
await receiver.publishAsync(`${job.base}/low`, 'lowered', { qos: 2 });
result.live = await live;

const big = take(receiver, 1);
await receiver.publishAsync(`${job.base}/live/big`, 'x'.repeat(100_000), { qos: 1 });
result.bigBytes = (await big)[0].payload.length;

await receiver.publishAsync(`${job.base}/state`, 'on', { qos: 1, retain: true });
const late = await connect('-late');
const retained = take(late, 1);
await late.subscribeAsync(`${job.base}/state`, { qos: 1 });
result.retained = (await retained)[0];
await late.publishAsync(`${job.base}/state`, '', { qos: 1, retain: true });
await late.endAsync();

const order = take(receiver, 200);
for (let n = 0; n < 200; n++) {
    receiver.publish(`${job.base}/live/order`, String(n), { qos: n % 3 });
}
result.order = (await order).map((message) => ({ n: Number(message.payload), qos: message.qos }));

if (job.will) {
    const doomed = await connect('-doomed', { will: { topic: `${job.base}/live/will`, payload: 'gone', qos: 1 } });
    const will = take(receiver, 1);
    doomed.stream.destroy();
    result.will = (await will)[0];
}
const closed = once(receiver, 'close');
await receiver.endAsync();
await closed;
console.log(JSON.stringify(result));
