// SPDX-License-Identifier: Apache-2.0
//
// A client made of Node's acme-client, as its documentation shows.
//
// acme_client.js DIRECTORY WEBROOT OUT KIND NAME...
//
// KIND is ec or rsa, for the account's and the certificate's key.
// OUT/account.key is kept; OUT/key.pem and OUT/chain.pem are written anew.
// Answers to http-01 are written to WEBROOT, a file for each token.
// The variable AFTERWARDS may have the words rollover (of the account's key) and
// revoke.

const fs = require('fs');
const path = require('path');
const acme = require('acme-client');

const [directoryUrl, webroot, out, kind, ...names] = process.argv.slice(2);

function makeKey() {
    return kind === 'rsa' ? acme.crypto.createPrivateRsaKey()
        : acme.crypto.createPrivateEcdsaKey();
}

async function accountKey() {
    const file = path.join(out, 'account.key');
    if (!fs.existsSync(file)) {
        fs.writeFileSync(file, await makeKey());
    }
    return fs.readFileSync(file);
}

async function main() {
    const client = new acme.Client({ directoryUrl,
        accountKey: await accountKey() });
    const [key, csr] = await acme.crypto.createCsr({ altNames: names },
        await makeKey());
    const chain = await client.auto({
        csr,
        email: 'admin@a.test',
        termsOfServiceAgreed: true,
        skipChallengeVerification: true,
        challengePriority: ['http-01'],
        challengeCreateFn: async (authz, challenge, text) =>
            fs.writeFileSync(path.join(webroot, challenge.token), text),
        challengeRemoveFn: async (authz, challenge) =>
            fs.unlinkSync(path.join(webroot, challenge.token)),
    });
    fs.writeFileSync(path.join(out, 'key.pem'), key);
    fs.writeFileSync(path.join(out, 'chain.pem'), chain);
    await afterwards(client, chain);
}

async function afterwards(client, chain) {
    const todo = (process.env.AFTERWARDS || '').split(' ');
    if (todo.includes('rollover')) {
        const fresh = await makeKey();
        await client.updateAccountKey(fresh);
        fs.writeFileSync(path.join(out, 'account.key'), fresh);
    }
    if (todo.includes('revoke')) {
        await client.revokeCertificate(chain, { reason: 4 });
    }
}

main();
