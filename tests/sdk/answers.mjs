// All that a gateway answers while a test runs, to be held against the schemas when it has ended.
import { PassThrough, pipeline } from 'node:stream';
import * as sse from './sse.mjs';

const REQUEST_ID = /^req_[0-9A-HJKMNP-TV-Z]{26}$/;

export class Answers {
  constructor(schemas) {
    this.schemas = schemas;
    this.events = 0; // validated
    this.all = []; // {method, path, headers (of the request), status, answer (headers), text}
    this.log = []; // those since clear()
  }

  clear() {
    this.log = [];
  }

  begin(url, init, response) {
    const entry = {
      method: (init?.method ?? 'GET').toUpperCase(),
      path: new URL(url).pathname.replace(/^\/v1/, ''),
      headers: new Headers(init?.headers),
      status: response.status,
      answer: new Headers([...response.headers]),
      text: '',
    };
    this.all.push(entry);
    this.log.push(entry);
    return entry;
  }

  // A fetch that keeps what comes through it. `Response` is the class of `fetch`.
  recorder(fetch, Response) {
    return async (url, init) => {
      const response = await fetch(url, init);
      const entry = this.begin(url, init, response);
      const { status, statusText, headers } = response;
      if (entry.answer.get('content-type')?.startsWith('text/event-stream')) {
        return new Response(this.keep(response.body, entry), { status, statusText, headers });
      }
      entry.text = await response.text();
      return new Response(entry.text, { status, statusText, headers });
    };
  }

  keep(body, entry) {
    const decoder = new TextDecoder();
    const add = (chunk) => {
      entry.text += decoder.decode(chunk, { stream: true });
    };
    if (body instanceof ReadableStream) {
      return body.pipeThrough(
        new TransformStream({
          transform(chunk, controller) {
            add(chunk);
            controller.enqueue(chunk);
          },
        }),
      );
    }
    const through = new PassThrough();
    through.on('pipe', (source) => source.on('data', add));
    pipeline(body, through, () => {});
    return through;
  }

  // Sentences about answers that are not what they should be.
  problems() {
    return this.all.flatMap((entry) =>
      this.problemsOf(entry).map((problem) => `${entry.method} ${entry.path} ${entry.status}: ${problem}`),
    );
  }

  problemsOf(entry) {
    const type = entry.answer.get('content-type') ?? 'none';
    const found = [];
    if (!REQUEST_ID.test(entry.answer.get('x-request-id'))) {
      found.push(`x-request-id is ${entry.answer.get('x-request-id')}`);
    }
    if (type.startsWith('text/event-stream')) return [...found, ...this.problemsOfEvents(entry)];
    if (!type.startsWith('application/json')) return [...found, `content-type is ${type}`];
    const schema = entry.status === 200 ? this.schemas.schemaOf(entry.method, entry.path) : 'ErrorResponse';
    if (!schema) return [...found, 'this path answers 200 but the API has none such'];
    return [...found, ...this.schemas.problems(schema, JSON.parse(entry.text))];
  }

  // The last block of a stream that was left early may be cut.
  problemsOfEvents({ text }) {
    const whole = text.slice(0, text.lastIndexOf('\n\n') + 2);
    const events = sse.parse(whole);
    this.events += events.length;
    return events
      .flatMap((event) =>
        this.schemas
          .problems('AssistantStreamEvent', sse.object(event))
          .map((problem) => `event ${event.event}: ${problem}`),
      )
      .slice(0, 5);
  }
}
