// Starts usher-sandbox (the path is the first argument) and runs scenario.mjs against it, once as it comes and once
// with every harmless quirk of the answers switched on. Exit code 0: all well.
import {spawn} from 'node:child_process';
import {dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

const sandboxPath = process.argv[2] ?? process.env.USHER_SANDBOX;
if (!sandboxPath) {
  console.error('usage: node sdk_test.mjs PATH-OF-USHER-SANDBOX');
  process.exit(64);
}
const scenario = join(dirname(fileURLToPath(import.meta.url)), 'scenario.mjs');

const ended = (child) => new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));

async function run(name, settings) {
  const options = ['job_time=50ms', 'page_size=2', ...settings].flatMap((setting) => ['--set', setting]);
  const sandbox = spawn(sandboxPath, options, {stdio: ['ignore', 'pipe', 'inherit']});
  const sandboxEnd = ended(sandbox);
  const started = new Promise((resolve) => createInterface({input: sandbox.stdout}).once('line', resolve));
  const line = await Promise.race([started, sandboxEnd]);
  if (typeof line !== 'string' || !line.startsWith('{')) throw new Error(`usher-sandbox did not start: ${line}`);
  const info = JSON.parse(line);
  // The client takes another host, and node another authority, from the environment of a new process only.
  const client = spawn(process.execPath, [scenario], {
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_ENV: 'test',
      FS_API_HOST: info.api,
      NODE_EXTRA_CA_CERTS: info.ca_file,
      SANDBOX_KEY: info.key,
      SANDBOX_CONTROL: info.control,
    },
  });
  const clientCode = await ended(client);
  sandbox.kill('SIGTERM');
  const sandboxCode = await sandboxEnd;
  if (clientCode !== 0) throw new Error(`${name}: the scenario ended with ${clientCode}`);
  if (sandboxCode !== 0) throw new Error(`${name}: usher-sandbox ended with ${sandboxCode}`);
  console.log(`${name}: well`);
}

await run('plain answers', []);
await run('answers with quirks', ['omit_defaults=true', 'explicit_nulls=true', 'extra_fields=true',
                                  'shuffle_fields=true', 'last_token=empty']);
