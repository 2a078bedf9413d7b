// Parses SQL: node parse.mjs trino|hive FILE; prints the errors. Bundled by esbuild,
// because the parser's modules have no file extensions.
import { readFileSync } from 'node:fs'
import { HiveSQL, TrinoSQL } from 'dt-sql-parser'

const [, , dialect, file] = process.argv
const parser = dialect === 'hive' ? new HiveSQL() : new TrinoSQL()
const problems = parser.validate(readFileSync(file, 'utf8'))
process.stdout.write(problems.map(p => `${p.startLine}:${p.startColumn}: ${p.message}\n`).join(''))
