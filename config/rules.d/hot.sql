---
description: Alarm when a probe is hot
to:
  - stream: alarms
  - http: {sink: pager, body: json, batch: {messages: 100, bytes: 256KiB, wait: 1s}}
on_error: {stream: rule-errors}
profile: native
---
SELECT topic(2) AS device, temp, timestamp() AS at
FROM 'data/+/temp'
WHERE temp > 80 AND quality <> 'bad'
