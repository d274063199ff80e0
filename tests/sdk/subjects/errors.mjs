// Each class of error of the SDK that runstore gives reason for, and the official form of their bodies. There
// are no conflicts (409), no rate limits (429) and no unprocessable entities (422): the SDK retries the first two.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { refused, refusedPlainly, request } from '../help.mjs';
import { uid } from '../worker.mjs';

// A request whose Host says what it likes; fetch would not send that.
function withHost(url, host) {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers: { host } }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode, headers: response.headers, body: JSON.parse(text) });
      })
      .on('error', reject);
  });
}

async function tokenGateway(t) {
  const file = path.join(t.daemon.directory, uid('token'));
  fs.writeFileSync(file, 'secret-token\n', { mode: 0o600 });
  return t.startGateway(['--token-file', file]);
}

export const tests = {
  'BadRequestError has all that the body says': async (t) => {
    const error = await refused(
      t,
      t.sdk.runs.create('thread_1', { assistant_id: 'asst_1', top_p: 'much' }),
      'BadRequestError',
      { status: 400, code: 'invalid_params', type: 'invalid_request_error', param: 'top_p' },
    );
    assert.match(error.requestID ?? error.request_id, /^req_/);
    assert.equal(error.error.message.length > 5, true);
  },

  'NotFoundError is for what is not there': async (t) => {
    const { id: thread } = await t.sdk.threads.create();
    await refused(t, t.sdk.runs.retrieve(thread, 'run_x'), 'NotFoundError', {
      status: 404,
      code: 'not_found',
      type: 'invalid_request_error',
      message: /No run found with id 'run_x'\./,
    });
    await refused(t, t.openai.models.list(), 'NotFoundError', {
      status: 404,
      code: 'unknown_path',
      type: 'invalid_request_error',
    });
  },

  'malformed ids are refused, and never mistaken for paths': async (t) => {
    const bad = (call, param) =>
      refused(t, call, 'BadRequestError', { status: 400, code: 'invalid_id', param });
    await bad(t.sdk.threads.retrieve('i'.repeat(65)), 'thread_id');
    await bad(t.sdk.assistants.retrieve('é'), 'assistant_id');
    for (const id of ['a%2Fb', '%00', 'a%20b', 'a%3Fb', '%ff', 'a;b']) {
      await refusedPlainly(t, `/threads/${id}`, {}, { status: 400, code: 'invalid_id', param: 'thread_id' });
      await refusedPlainly(
        t,
        `/threads/t/runs/${id}`,
        {},
        { status: 400, code: 'invalid_id', param: 'run_id' },
      );
      await refusedPlainly(
        t,
        `/threads/t/runs/r/steps/${id}`,
        {},
        { status: 400, code: 'invalid_id', param: 'step_id' },
      );
      await refusedPlainly(
        t,
        `/threads/t/messages/${id}`,
        {},
        { status: 400, code: 'invalid_id', param: 'message_id' },
      );
    }
  },

  'AuthenticationError is for a token that is wrong, where there is one': async (t) => {
    const { url } = await tokenGateway(t);
    for (const apiKey of ['wrong', 'secret-toke', 'secret-token1', 'SECRET-TOKEN']) {
      const client = t.sdkOf(t.client({ url, apiKey }));
      await refused(t, client.threads.create(), 'AuthenticationError', {
        status: 401,
        code: 'unauthorized',
        type: 'invalid_request_error',
      });
    }
    const good = t.sdkOf(t.client({ url, apiKey: 'secret-token' }));
    assert.match((await good.threads.create()).id, /^thread_/);
    await refusedPlainly(t, '/threads', { url, json: {} }, { status: 401, code: 'unauthorized' });
    await refusedPlainly(
      t,
      '/threads',
      { url, json: {}, headers: { authorization: 'Basic secret-token' } },
      { status: 401, code: 'unauthorized' },
    );
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await fetch(`${url}/metrics`)).status, 401);
  },

  'without a token any key will do': async (t) => {
    for (const apiKey of ['a', 'sk-something']) {
      assert.ok(await t.sdkOf(t.client({ apiKey })).threads.create());
    }
    assert.equal((await request(t, '/threads', { json: {} })).status, 200);
  },

  'PermissionDeniedError is for a Host that is not ours': async (t) => {
    const { id } = await t.sdk.threads.create();
    const { port } = new URL(t.gateway.url);
    const get = (host) => withHost(`${t.gateway.url}/v1/threads/${id}`, host);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '10.0.0.1',
    ]) {
      const { status, headers, body } = await get(host);
      assert.deepEqual([status, body.error?.code], [403, 'forbidden_host'], host);
      assert.deepEqual(t.schemas.problems('ErrorResponse', body), []);
      assert.match(headers['x-request-id'], /^req_/);
    }
    for (const host of [
      'localhost',
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      '127.0.0.1',
      `[::1]:${port}`,
      'LOCALHOST',
    ]) {
      assert.equal((await get(host)).status, 200, host);
    }
    // As the SDK sees it: the body came by another way, its class is made of the status.
    const denied = await get('evil.example');
    const client = t.client({
      fetch: async () =>
        new Response(JSON.stringify(denied.body), {
          status: denied.status,
          headers: { 'content-type': 'application/json' },
        }),
    });
    await refused(t, t.sdkOf(client).threads.retrieve(id), 'PermissionDeniedError', {
      status: 403,
      code: 'forbidden_host',
    });
  },

  'a host is allowed by name': async (t) => {
    const { url } = await t.startGateway(['--allow-host', 'runs.example', '--allow-host', 'other.example']);
    const { id } = await t.sdk.threads.create();
    for (const host of ['runs.example', 'runs.example:8788', 'other.example']) {
      assert.equal((await withHost(`${url}/v1/threads/${id}`, host)).status, 200, host);
    }
    assert.equal((await withHost(`${url}/v1/threads/${id}`, 'third.example')).status, 403);
  },

  'a body that is too large is an APIError of status 413': async (t) => {
    const content = 'x'.repeat(20 * 1024 * 1024);
    for (let n = 0; n < 3; n++) {
      await refused(
        t,
        t.sdk.messages.create('thread_big', { role: 'user', content }, { maxRetries: 0 }),
        'APIError',
        { status: 413, code: 'too_large', type: 'invalid_request_error' },
      );
    }
    await refused(
      t,
      t.sdk.messages.create('thread_big', { role: 'user', content: 'x'.repeat(5 * 1024 * 1024) }),
      'APIError',
      { status: 413, code: 'too_large' },
    );
    assert.ok(
      await t.sdk.messages.create('thread_big', { role: 'user', content: 'x'.repeat(3 * 1024 * 1024) }),
    );
  },

  'APIConnectionError is for a gateway that is not there': async (t) => {
    const gone = await t.startGateway([]);
    const client = t.client({ url: gone.url, maxRetries: 0 });
    await t.sdkOf(client).threads.create();
    await gone.stop();
    gone.stop = async () => {};
    await refused(t, t.sdkOf(client).threads.create(), 'APIConnectionError', {});
  },

  'InternalServerError is for a daemon that is not there': async (t) => {
    const daemon = await t.startDaemon();
    const { url } = await t.startGateway([], daemon);
    const client = t.sdkOf(t.client({ url, maxRetries: 0 }));
    const { id } = await client.threads.create();
    await daemon.stop();
    const error = await refused(t, client.threads.retrieve(id), 'InternalServerError', {
      status: 503,
      code: 'unavailable',
      type: 'server_error',
    });
    assert.equal(new Headers(error.headers).get('retry-after'), '1');
    assert.equal((await fetch(`${url}/healthz`)).status, 503);
    await daemon.restart();
    assert.equal((await t.sdkOf(t.client({ url })).threads.retrieve(id)).id, id);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
  },

  'what is no JSON object is refused in the official form': async (t) => {
    const post = (body, headers = { 'content-type': 'application/json' }) => ({
      method: 'POST',
      body,
      headers,
    });
    const bad = { status: 400, code: 'invalid_params' };
    for (const body of [
      '{',
      '[]',
      '"x"',
      '1',
      'null',
      '{"metadata":{}}x',
      '{"a":1,}',
      "{'a':1}",
      '\ufeff{}',
      '{"metadata":NaN}',
    ]) {
      await refusedPlainly(t, '/threads', post(body), bad);
    }
    await refusedPlainly(t, '/threads', post(Buffer.from('{"metadata":{"k":"\xff"}}', 'latin1')), bad);
    const { body } = await request(t, '/threads', post('{"metadata":{"a":"1"},"metadata":{"b":"2"}}'));
    assert.equal(body.error?.code, 'invalid_params');
    assert.equal(
      (await request(t, '/threads', post('{"metadata":{"k":"\\ud83c\\udf0d\\u0000"}}'))).status < 500,
      true,
    );
    assert.equal((await request(t, '/threads', post('', {}))).status, 200);
    for (const type of ['application/json; charset=utf-8', 'application/vnd.api+json', 'Application/JSON']) {
      assert.equal((await request(t, '/threads', post('{}', { 'content-type': type }))).status, 200, type);
    }
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      await refusedPlainly(t, '/threads', post('{}', { 'content-type': type }), {
        status: 415,
        code: 'unsupported_media_type',
      });
    }
  },

  'what is no path of the API, or none for this method, is refused in the official form': async (t) => {
    for (const unknown of [
      '/',
      '/threads/',
      '/thread',
      '/threads/t/run',
      '/threads/t/runs/r/steps/s/x',
      '/chat/completions',
      '//threads/t',
      '/threads//runs',
      '/v1/threads/t',
      '/Threads/t',
    ]) {
      const { status, body } = await request(t, unknown);
      assert.ok([404, 400, 405].includes(status) && body.error.code, `${unknown}: ${status}`);
    }
    await refusedPlainly(t, '/chat/completions', { json: {} }, { status: 404, code: 'unknown_path' });
    await refusedPlainly(t, '/files', {}, { status: 404, code: 'unknown_path' });
    const { headers } = await refusedPlainly(
      t,
      '/threads/t/runs/r',
      { method: 'DELETE' },
      { status: 405, code: 'method_not_allowed' },
    );
    const allowed = headers.get('allow').split(/, */);
    assert.ok(
      allowed.includes('GET') && allowed.includes('POST') && !allowed.includes('DELETE'),
      headers.get('allow'),
    );
    await refusedPlainly(t, '/threads', {}, { status: 405, code: 'method_not_allowed' });
    await refusedPlainly(
      t,
      '/threads/t',
      { method: 'PUT', json: {} },
      { status: 405, code: 'method_not_allowed' },
    );
  },

  'every answer has a request id of its own': async (t) => {
    const thread = await t.sdk.threads.create();
    assert.match(thread._request_id, /^req_/);
    const list = await t.sdk.messages.list(thread.id).withResponse();
    assert.match(list.response.headers.get('x-request-id'), /^req_/);
    await request(t, '/nowhere');
    const given = t.answers.log.map(({ answer }) => answer.get('x-request-id'));
    assert.equal(new Set(given).size, 3);
  },
};
