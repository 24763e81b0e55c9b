// sdk.mjs DONE FILE...: each file of records as one batch through FullStory's own client, a poll each 10 ms; then the
// file moves to DONE. Prints how many records it handed over. Reads $KEY_FILE.
import {readFileSync, renameSync} from 'node:fs';
import {basename, join} from 'node:path';
import sdk from '@fullstory/server-api-client';

const client = sdk.init({apiKey: readFileSync(process.env.KEY_FILE, 'utf8').trim()});
const [done, ...files] = process.argv.slice(2);
let records = 0;
for (const file of files) {
  const requests = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  await new Promise((resolve, reject) => {
    const job = client.users.batchCreate({body: {requests}}, {pollInterval: 10});
    job.on('done', resolve);
    job.on('abort', (errors) => reject(new Error(`aborted: ${errors.map(String)}`)));
    job.execute();
  });
  records += requests.length;
  renameSync(file, join(done, basename(file)));
}
console.log(records);
process.exit(0);
