// A whole batch through FullStory's own client: all good, some bad, single users, and what the oracle saw of it.
import assert from 'node:assert/strict';
import http from 'node:http';
import sdk from '@fullstory/server-api-client';

const {init} = sdk;
const client = init({apiKey: process.env.SANDBOX_KEY});

function finished(requests) {
  const job = client.users.batchCreate({body: {requests}, includeSchema: true}, {pollInterval: 100});
  return new Promise((resolve, reject) => {
    job.on('done', (imports, failed) => resolve({job, imports, failed}));
    job.on('abort', (errors) => reject(new Error(`aborted: ${errors.map(String)}`)));
    job.execute();
  });
}

function control(path) {
  return new Promise((resolve, reject) => {
    http.get(`${process.env.SANDBOX_CONTROL}${path}`, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece) => (text += piece));
      answer.on('end', () => resolve(JSON.parse(text)));
    }).on('error', reject);
  });
}

const good = await finished([
  {uid: 'ada', display_name: 'Ada', email: 'ada@example.com', properties: {plan: 'gold', seats: 5}},
  {uid: 'bob', properties: {since: '2026-11-24', address: {city: 'Köln'}}},
  {uid: 'cy', properties: {tags: ['a', 'b']}, schema: {properties: {tags: 'strs'}}},
  {display_name: 'nobody'},
  {uid: 'eve'},
]);
assert.equal(good.job.getStatus(), 'COMPLETED');
assert.equal(good.failed.length, 0);
assert.equal(good.imports.length, 5);
const bob = good.imports.find((user) => user.uid === 'bob');
assert.deepEqual(bob.properties, {since: '2026-11-24', address: {city: 'Köln'}});
assert.deepEqual(bob.schema.properties, {since: 'date', 'address.city': 'str'});
assert.match(bob.id, /^[0-9]{19}$/);

const mixed = await finished([
  {uid: 'ada', properties: {plan: 'silver'}},
  {uid: '', display_name: 'empty'},
  {uid: 'x'.repeat(257)},
  {uid: 'bob', properties: {'not-a-name': 1}},
]);
assert.equal(mixed.job.getStatus(), 'FAILED');
assert.equal(mixed.failed.length, 3);
assert.deepEqual(mixed.failed.map((error) => error.code), Array(3).fill('invalid_parameter'));
assert.deepEqual(mixed.failed[0].user, {uid: '', display_name: 'empty'});

const listed = await client.users.list({uid: 'ada'});
assert.equal(listed.body.results.length, 1);
assert.deepEqual(listed.body.results[0].properties, {plan: 'silver', seats: 5});
const single = await client.users.create({body: {uid: 'zoe', email: 'zoe@example.com'}});
const read = await client.users.get({id: single.body.id});
assert.equal(read.body.uid, 'zoe');
await client.users.delete({uid: 'zoe'});
await assert.rejects(client.users.get({id: single.body.id}));

const oracle = await control('/oracle');
assert.equal(oracle.jobs_created, 2);
assert.equal(oracle.records_received, 9);
assert.equal(oracle.records_applied, 6);
assert.equal(oracle.records_failed, 3);
assert.equal(oracle.users, 5);
assert.ok(oracle.requests.imports >= 3, 'the imports came in several pages');
process.exit(0);
