// What several subjects use.
import assert from 'node:assert/strict';

export async function collect(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

export function ids(objects) {
  return objects.map(({ id }) => id);
}

// `promise` must be refused with the error class `kind` of the SDK and these members.
export async function refused(t, promise, kind, { message, ...members }) {
  let error;
  try {
    await promise;
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error, `nothing was refused; ${kind} was to come`);
  assert.ok(error instanceof t.errors[kind], `${kind} was to come: ${error.stack}`);
  for (const [name, value] of Object.entries(members)) {
    assert.deepEqual(error[name], value, `${name} of ${error}`);
  }
  if (message) assert.match(error.message, message);
  return error;
}

// A plain request that is recorded. Returns {status, headers, body}.
export async function request(t, path, { url = t.gateway.url, json, ...init } = {}) {
  const body = json === undefined ? {} : { body: JSON.stringify(json), method: 'POST' };
  const response = await t.fetch(`${url}/v1${path}`, {
    ...body,
    ...init,
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...init.headers },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : undefined,
  };
}

// A request that must be refused in the official form.
export async function refusedPlainly(t, path, init, { status, code, param = null }) {
  const answer = await request(t, path, init);
  const error = answer.body?.error ?? assert.fail(`${path}: ${answer.status} ${answer.text}`);
  assert.deepEqual(
    { status: answer.status, code: error.code, param: error.param },
    { status, code, param },
    error.message,
  );
  return answer;
}
