// node check.mjs FILE: ends with 1, and says why, when AsyncAPI's own parser or its protobuf schema parser finds an error.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
import { ProtoBuffSchemaParser } from '@asyncapi/protobuf-schema-parser';

const parser = new Parser();
parser.registerSchemaParser(ProtoBuffSchemaParser());
const { document, diagnostics } = await parser.parse(readFileSync(process.argv[2], 'utf-8'));
// severity 0 is an error, 1 a warning; advice below that is left to taste
const found = diagnostics.filter((one) => one.severity <= 1);
for (const one of found) {
  console.log(`${one.severity === 0 ? 'error' : 'warning'} ${one.path.join('.')}: ${one.message} (${one.code})`);
}
if (document === undefined || found.length > 0) {
  process.exit(1);
}
const messages = document.allMessages().all();
const properties = messages.map((one) => Object.keys(one.payload()?.json()?.schema?.properties ?? {}).length);
console.log(`${document.channels().all().length} channels, ${messages.length} messages, ${properties.reduce((a, b) => a + b, 0)} properties`);
