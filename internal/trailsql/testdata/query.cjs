// Runs a query on DuckDB over CloudTrail records as JSON Lines with the columns of the
// table, and prints the rows as JSON: node query.cjs RECORDS QUERY.
const { readFileSync } = require('node:fs')
const { DuckDBInstance } = require('@duckdb/node-api')

const text = 'VARCHAR'
const identity = `STRUCT("type" VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, invokedby VARCHAR, accesskeyid VARCHAR, username VARCHAR,
  sessioncontext STRUCT(attributes STRUCT(mfaauthenticated VARCHAR, creationdate VARCHAR), sessionissuer STRUCT("type" VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, username VARCHAR)))`
const columns = { useridentity: identity, account: text, region: text, day: text }
for (const name of ['eventversion', 'eventtime', 'eventsource', 'eventname', 'awsregion', 'sourceipaddress', 'useragent', 'errorcode', 'errormessage', 'requestparameters',
  'responseelements', 'additionaleventdata', 'requestid', 'eventid', 'readonly', 'eventtype', 'apiversion', 'recipientaccountid', 'sharedeventid', 'vpcendpointid', 'eventcategory']) columns[name] = text

async function main([records, query]) {
  const db = await (await DuckDBInstance.create(':memory:')).connect()
  const types = Object.entries(columns).map(([name, type]) => `'${name}': '${type.replaceAll("'", "''")}'`).join(', ')
  await db.run('CREATE SCHEMA logs')
  await db.run(`CREATE VIEW logs.cloudtrail AS SELECT * FROM read_json('${records}', format = 'newline_delimited', maximum_object_size = 20000000, columns = {${types}})`)
  const answer = await db.runAndReadAll(readFileSync(query, 'utf8'))
  process.stdout.write(JSON.stringify(answer.getRows().map(row => row.map(cell => cell === null ? '' : String(cell)))))
}
main(process.argv.slice(2)).catch(e => { console.error(String(e)); process.exit(1) })
