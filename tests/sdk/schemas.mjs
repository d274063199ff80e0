// Is an answer what the official schemas say? And a little more than they say: no other members than
// theirs, and objects with all of their members in the official order.
const PREFIX = '#/components/schemas/';
const OBJECTS = ['AssistantObject', 'MessageObject', 'RunObject', 'RunStepObject', 'ThreadObject'];
const LISTS = /^List\w+Response$/;

// OpenAPI 3.0 has `nullable` where JSON Schema has a type "null".
function nullable(schema) {
  if (typeof schema.type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  const both = { ...schema, type: [schema.type, 'null'] };
  if (schema.enum) both.enum = [...schema.enum, null];
  return both;
}

function convertMember(key, value) {
  if (key === '$ref') return value.replace(PREFIX, 'openai#/definitions/');
  if (key === 'properties') {
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, convert(schema)]));
  }
  return convert(value);
}

function convert(schema) {
  if (Array.isArray(schema)) return schema.map(convert);
  if (schema === null || typeof schema !== 'object') return schema;
  const { nullable: mayBeNull, discriminator, ...rest } = schema;
  if (rest.allOf?.some((part) => part.nullable && Object.keys(part).length === 1)) {
    rest.allOf = rest.allOf.filter((part) => !(part.nullable && Object.keys(part).length === 1));
    return nullable(convert(rest));
  }
  const converted = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, convertMember(key, value)]),
  );
  if (converted.properties && !('additionalProperties' in converted)) converted.additionalProperties = false;
  return mayBeNull ? nullable(converted) : converted;
}

// Where runstore means to be other than the schemas: the ids of an empty list are null.
function allowNullIds(definition) {
  for (const id of ['first_id', 'last_id']) definition.properties[id] = { type: ['string', 'null'] };
}

// The official event of an error has it as its data, but the SDK's version 4 looks for it one level
// deeper: runstore gives both.
function allowErrorTwice(definitions) {
  const { properties, ...rest } = definitions.Error;
  definitions.ErrorEvent.properties.data = {
    ...rest,
    properties: { ...properties, error: definitions.Error },
  };
}

export class Schemas {
  // `Ajv`: the validator's class; `extract`: what extract.mjs made.
  constructor(Ajv, { answers, schemas }) {
    this.ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, allowUnionTypes: true });
    const definitions = Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, convert(schema)]),
    );
    for (const [name, definition] of Object.entries(definitions)) {
      if (LISTS.test(name)) allowNullIds(definition);
    }
    allowErrorTwice(definitions);
    this.ajv.addSchema({ $id: 'openai', definitions });
    this.members = new Map(
      OBJECTS.map((name) => {
        const { properties } = schemas[name];
        return [properties.object.enum[0], Object.keys(properties).join()];
      }),
    );
    this.routes = Object.entries(answers)
      .map(([route, schema]) => ({
        route,
        schema,
        pattern: new RegExp(`^${route.replace(/\{\w+\}/g, '[^/]+')}$`),
      }))
      .sort((a, b) => a.route.split('{').length - b.route.split('{').length);
  }

  // The schema of the answer to a request, or undefined for no path of the API's.
  schemaOf(method, path) {
    return this.routes.find(({ pattern }) => pattern.test(`${method} ${path}`))?.schema;
  }

  // Sentences about what is wrong with `value`; none is good.
  problems(schema, value) {
    const validate = this.ajv.getSchema(`openai#/definitions/${schema}`);
    if (!validate) return [`there is no schema ${schema}`];
    const found = this.misplaced(value);
    if (!validate(value)) {
      for (const { instancePath, message, params } of validate.errors.slice(0, 5)) {
        found.push(`${schema}${instancePath} ${message} ${JSON.stringify(params)}`);
      }
    }
    return found;
  }

  // Objects that lack members, have too many, or have them in another order.
  misplaced(value, found = []) {
    if (value && typeof value === 'object') {
      const members = this.members.get(value.object);
      if (members && Object.keys(value).join() !== members) {
        found.push(`${value.object} has the members ${Object.keys(value).join()} instead of ${members}`);
      }
      for (const member of Object.values(value)) this.misplaced(member, found);
    }
    return found;
  }
}
