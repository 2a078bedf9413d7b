const { createHmac } = require("node:crypto");
const { IAMClient, GetUserCommand, CreateUserCommand, DeleteUserCommand, CreateAccessKeyCommand, CreateVirtualMFADeviceCommand, EnableMFADeviceCommand, AttachUserPolicyCommand, NoSuchEntityException, EntityAlreadyExistsException, paginateListUsers, paginateGetAccountAuthorizationDetails, waitUntilUserExists } = require("@aws-sdk/client-iam");
const { STSClient, GetCallerIdentityCommand, GetSessionTokenCommand } = require("@aws-sdk/client-sts");
const { OrganizationsClient, paginateListAccounts, DescribeAccountCommand, AccountNotFoundException } = require("@aws-sdk/client-organizations");
const { S3Client, PutObjectCommand, GetObjectCommand, HeadObjectCommand, DeleteObjectCommand, paginateListObjectsV2, NoSuchKey, NoSuchBucket } = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
const { fromTemporaryCredentials } = require("@aws-sdk/credential-providers");

// say prints a line: what a call gave, or the class and status of its error.
async function say(name, call) {
  let result;
  try { result = await call(); } catch (e) { result = [e.constructor.name, e.name, e.$metadata?.httpStatusCode]; }
  console.log(name + " " + JSON.stringify(result));
}
const all = async (pages, list) => { const out = []; for await (const page of pages) out.push(...list(page)); return out; };

// code is the TOTP code of a seed, steps of 30 s from now.
function code(seed, steps) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...seed].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, "0");
}

(async () => {
  const settings = { region: "eu-west-1", endpoint: process.env.AWS_ENDPOINT_URL, maxAttempts: 1 };
  const iam = new IAMClient(settings), sts = new STSClient(settings), org = new OrganizationsClient(settings);
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  await say("caller", async () => (await sts.send(new GetCallerIdentityCommand({}))).Arn);
  await say("users", () => all(paginateListUsers({ client: iam, pageSize: 1 }, {}), (p) => p.Users.map((u) => u.UserName)));
  await say("details", async () => (await all(paginateGetAccountAuthorizationDetails({ client: iam, pageSize: 1 }, {}), (p) => p.UserDetailList)).length);
  await say("nobody", async () => { try { await iam.send(new GetUserCommand({ UserName: "nobody" })); } catch (e) { return [e instanceof NoSuchEntityException, e.message, e.$metadata.httpStatusCode, !!e.$metadata.requestId]; } });
  await say("create", async () => (await iam.send(new CreateUserCommand({ UserName: "eve", Path: "/js/", Tags: [{ Key: "team", Value: "ü + b" }] }))).User.Tags);
  await say("again", async () => { try { await iam.send(new CreateUserCommand({ UserName: "Eve" })); } catch (e) { return e instanceof EntityAlreadyExistsException; } });
  await say("wait", async () => (await waitUntilUserExists({ client: iam, maxWaitTime: 5 }, { UserName: "eve" })).state);
  await say("created", async () => (await iam.send(new GetUserCommand({ UserName: "eve" }))).User.CreateDate instanceof Date);
  const key = (await iam.send(new CreateAccessKeyCommand({ UserName: "eve" }))).AccessKey;
  const device = (await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: "eve" }))).VirtualMFADevice;
  const seed = Buffer.from(device.Base32StringSeed).toString();
  await say("png", async () => Buffer.from(device.QRCodePNG).subarray(1, 4).toString());
  await say("enable", async () => (await iam.send(new EnableMFADeviceCommand({ UserName: "eve", SerialNumber: device.SerialNumber, AuthenticationCode1: code(seed, -1), AuthenticationCode2: code(seed, 0) }))).$metadata.httpStatusCode);
  await iam.send(new AttachUserPolicyCommand({ UserName: "eve", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" }));
  const eve = { ...settings, credentials: { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey } };
  await say("wrong code", () => new STSClient(eve).send(new GetSessionTokenCommand({ SerialNumber: device.SerialNumber, TokenCode: "000000" })));
  await say("session", async () => {
    const c = (await new STSClient(eve).send(new GetSessionTokenCommand({ SerialNumber: device.SerialNumber, TokenCode: code(seed, 1) }))).Credentials;
    const session = { ...settings, credentials: { accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken } };
    return [(await new STSClient(session).send(new GetCallerIdentityCommand({}))).Arn, c.Expiration > new Date()];
  });
  await say("wrong secret", () => new STSClient({ ...eve, credentials: { ...eve.credentials, secretAccessKey: "x" } }).send(new GetCallerIdentityCommand({})));
  await say("accounts", async () => (await all(paginateListAccounts({ client: org, pageSize: 1 }, {}), (p) => p.Accounts)).length);
  await say("account", async () => { try { await org.send(new DescribeAccountCommand({ AccountId: "999999999999" })); } catch (e) { return [e instanceof AccountNotFoundException, e.name]; } });
  const Bucket = process.argv[2], Key = "a dir/ü+x&<.txt";
  await say("put", async () => (await s3.send(new PutObjectCommand({ Bucket, Key, Body: "the quick brown fox" }))).ETag);
  await say("stream", async () => (await s3.send(new PutObjectCommand({ Bucket, Key: "s", Body: require("node:stream").Readable.from([Buffer.from("ab"), Buffer.from("cd")]), ContentLength: 4 }))).ETag);
  await say("get", async () => (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToString());
  await say("head", async () => (await s3.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength);
  await say("none", async () => { try { await s3.send(new GetObjectCommand({ Bucket, Key: "none" })); } catch (e) { return e instanceof NoSuchKey; } });
  await say("no bucket", async () => { try { await s3.send(new GetObjectCommand({ Bucket: "none", Key: "k" })); } catch (e) { return [e instanceof NoSuchBucket, e.name]; } });
  await say("list", () => all(paginateListObjectsV2({ client: s3, pageSize: 1 }, { Bucket }), (p) => (p.Contents ?? []).map((o) => o.Key)));
  await say("url", async () => (await fetch(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 }))).text());
  await say("delete", async () => (await s3.send(new DeleteObjectCommand({ Bucket, Key }))).$metadata.httpStatusCode);
  await say("many", async () => new Set((await Promise.all(Array.from({ length: 50 }, () => iam.send(new GetUserCommand({ UserName: "eve" }))))).map((r) => r.User.UserId)).size);
  await say("gone", () => iam.send(new DeleteUserCommand({ UserName: "eve" })));
  iam.destroy(); sts.destroy(); org.destroy(); s3.destroy();
})();
