// Server-sent events as the standard has them, for what the SDKs do not show.

const FIELD = /^([^:]+)(?:: ?([^]*))?$/;

// The events in `text`: {event, id, data}; comments are left out.
export function parse(text) {
  const events = [];
  for (const block of text.split(/\r?\n\r?\n/)) {
    const fields = {};
    for (const line of block.split(/\r?\n/)) {
      const [, name, value = ''] = FIELD.exec(line) ?? [];
      if (name) fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
    }
    if ('data' in fields || 'event' in fields) events.push(fields);
  }
  return events;
}

// As an event of the official schema.
export function object({ event, data }) {
  return { event, data: event === 'done' ? data : JSON.parse(data) };
}

// Read a stream event by event, as they come.
export async function* read(body) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const end = rest.lastIndexOf('\n\n');
    if (end < 0) continue;
    yield* parse(rest.slice(0, end + 2));
    rest = rest.slice(end + 2);
  }
  yield* parse(rest);
}
