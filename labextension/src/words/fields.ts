/** A form's fields: what a person typed becomes what is sent. Whether it fits is for the server alone to say. */

export interface Field {
  name: string;
  kind: string;
  text: string;
  choices: string[];
  required: boolean;
  computed: boolean;
}

export interface Typed {
  text: string;
  several: boolean;
}

export type Filled = Record<string, Typed>;

export function initial(fields: Field[], given: Record<string, string> = {}): Filled {
  return Object.fromEntries(
    fields.map(field => [field.name, { text: given[field.name] ?? field.text, several: false }])
  );
}

/** Only what differs from the notebook's own defaults is sent; an emptied field means its default, except where text is wanted. */
export function request(fields: Field[], filled: Filled): { parameters: Record<string, string>; several: Record<string, string> } {
  const parameters: Record<string, string> = {};
  const several: Record<string, string> = {};
  for (const field of fields) {
    const { text, several: more } = filled[field.name];
    if (more) {
      several[field.name] = text;
    } else if (text !== field.text && (text !== '' || field.kind === 'str')) {
      parameters[field.name] = text;
    }
  }
  return { parameters, several };
}

/** How the field is asked for. */
export function control(field: Field): 'choice' | 'switch' | 'number' | 'text' {
  if (field.choices.length > 0) {
    return 'choice';
  }
  if (field.kind === 'bool' && (field.text === 'true' || field.text === 'false')) {
    return 'switch';
  }
  return field.kind === 'int' || field.kind === 'float' ? 'number' : 'text';
}

/** What may stand in the field, in words. */
export function allowed(field: Field & { span: string; optional: boolean }): string {
  const parts = [field.kind === 'choice' ? 'one of a few' : field.kind];
  if (field.span) {
    parts.push(field.span);
  }
  if (field.optional) {
    parts.push('or null');
  }
  if (field.required) {
    parts.push('needed');
  }
  if (field.computed) {
    parts.push('the notebook computes its default');
  }
  return parts.join(', ');
}
