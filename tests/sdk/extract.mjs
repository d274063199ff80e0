// Of OpenAI's OpenAPI description as much as it takes to validate the answers of the Assistants API:
// which schema each path answers with, and these schemas, without their prose.
//
//   node extract.mjs DESCRIPTION.openapi.json... > ../data/openai/answers.json
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const PROSE = new Set(['description', 'example', 'examples', 'title', 'deprecated']);
const PREFIX = '#/components/schemas/';
// They are in no answer's body: errors, and what streams are made of.
const BESIDE_PATHS = ['ErrorResponse', 'AssistantStreamEvent'];

// `named`: the members of this object are names of properties, not words of the schema.
function withoutProse(value, named = false) {
  if (Array.isArray(value)) return value.map((item) => withoutProse(item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => named || !(PROSE.has(key) || key.startsWith('x-')))
      .map(([key, member]) => [key, withoutProse(member, !named && key === 'properties')]),
  );
}

function references(value, found = new Set()) {
  if (value && typeof value === 'object') {
    if (typeof value.$ref === 'string') found.add(value.$ref.slice(PREFIX.length));
    for (const member of Object.values(value)) references(member, found);
  }
  return found;
}

export function extract(descriptions) {
  const answers = {};
  const all = {};
  for (const { paths, components } of descriptions) {
    Object.assign(all, components.schemas);
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const answer = operation.responses?.['200']?.content?.['application/json']?.schema;
        if (answer) answers[`${method.toUpperCase()} ${path}`] = answer.$ref.slice(PREFIX.length);
      }
    }
  }
  const schemas = {};
  const wanted = [...BESIDE_PATHS, ...Object.values(answers)];
  for (let name = wanted.pop(); name; name = wanted.pop()) {
    if (name in schemas) continue;
    schemas[name] = withoutProse(all[name]);
    wanted.push(...references(schemas[name]));
  }
  const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { answers: sorted(answers), schemas: sorted(schemas) };
}

export function read(path) {
  return JSON.parse(fs.readFileSync(path, 'utf8'));
}

// One line a path and a schema.
function text({ answers, schemas }) {
  const lines = (object) =>
    Object.entries(object)
      .map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(',\n');
  return `{\n  "answers": {\n${lines(answers)}\n  },\n  "schemas": {\n${lines(schemas)}\n  }\n}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(text(extract(process.argv.slice(2).map(read))));
}
