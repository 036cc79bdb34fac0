#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client made of Python's acme library, as its documentation shows.

acme_client.py DIRECTORY PORT OUT KIND NAME...

KIND is ec or rsa, for the account's and the certificate's key.  OUT/account.key
is kept; OUT/key.pem and OUT/chain.pem are written anew.  http-01 is answered on
127.0.0.1:PORT.  The variable AFTERWARDS may have the words rollover (the
account's key), revoke and revoke-by-key.
"""

import json
import os
import sys
import threading

from acme import challenges, client, crypto_util, errors, jws, messages
from acme import standalone
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
import josepy


def make_key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def account_key(path, kind):
    if not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(pem_of(make_key(kind)))
    with open(path, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    return josepy.JWKRSA(key=key) if kind == "rsa" else josepy.JWKEC(key=key)


def connect(directory, key, kind):
    alg = josepy.RS256 if kind == "rsa" else josepy.ES256
    net = client.ClientNetwork(key, alg=alg, user_agent="acme-test")
    return client.ClientV2(client.ClientV2.get_directory(directory, net), net)


def register(acme):
    try:
        return acme.new_account(messages.NewRegistration.from_data(
            email="admin@a.test", terms_of_service_agreed=True))
    except errors.ConflictError as known:
        regr = messages.RegistrationResource(
            uri=known.location, body=messages.Registration())
        acme.net.account = regr
        regr = acme.query_registration(regr)
        print("known account", regr.body.status)
        return regr


def http01(authzr):
    return next(c for c in authzr.body.challenges
                if isinstance(c.chall, challenges.HTTP01))


def answer(acme, key, order, port):
    """Serve all tokens, answer all challenges."""
    todo = [http01(a) for a in order.authorizations
            if a.body.status != messages.STATUS_VALID]
    resources = {
        standalone.HTTP01RequestHandler.HTTP01Resource(
            chall=c.chall, response=c.response(key),
            validation=c.validation(key))
        for c in todo}
    server = standalone.HTTP01Server(("127.0.0.1", port), resources)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for chall in todo:
        acme.answer_challenge(chall, chall.response(key))
    return server


def rollover(acme, regr, out, kind):
    """RFC 8555 7.3.5, which the library has no function for."""
    pem = pem_of(make_key(kind))
    path = os.path.join(out, "account.key")
    with open(path, "wb") as file:
        file.write(pem)
    new = account_key(path, kind)
    url = acme.directory.keyChange
    payload = json.dumps({"account": regr.uri,
                          "oldKey": acme.net.key.public_key().to_json()})
    inner = jws.JWS.sign(payload.encode(), key=new, alg=acme.net.alg,
                         nonce=None, url=url)
    acme.net.post(url, inner, new_nonce_url=acme.directory.newNonce)
    return new


def revoke(acme, chain, reason):
    if hasattr(josepy, "ComparableX509"):  # before josepy 2
        import OpenSSL
        cert = josepy.ComparableX509(OpenSSL.crypto.load_certificate(
            OpenSSL.crypto.FILETYPE_PEM, chain))
    else:
        cert = x509.load_pem_x509_certificate(chain.encode())
    acme.revoke(cert, reason)


def main(directory, port, out, kind, *names):
    key = account_key(os.path.join(out, "account.key"), kind)
    acme = connect(directory, key, kind)
    regr = register(acme)
    acme.update_registration(regr.update(
        body=regr.body.update(contact=("mailto:root@a.test",))))
    pem = pem_of(make_key(kind))
    order = acme.new_order(crypto_util.make_csr(pem, list(names)))
    server = answer(acme, key, order, int(port))
    order = acme.poll_and_finalize(order)
    server.shutdown()
    with open(os.path.join(out, "key.pem"), "wb") as file:
        file.write(pem)
    with open(os.path.join(out, "chain.pem"), "w") as file:
        file.write(order.fullchain_pem)
    afterwards = os.environ.get("AFTERWARDS", "").split()
    if "rollover" in afterwards:
        key = rollover(acme, regr, out, kind)
        acme = connect(directory, key, kind)
        print("still", register(acme).body.status)
    if "revoke" in afterwards:
        revoke(acme, order.fullchain_pem, 4)
    if "revoke-by-key" in afterwards:
        key = account_key(os.path.join(out, "key.pem"), kind)
        revoke(connect(directory, key, kind), order.fullchain_pem, 0)


main(*sys.argv[1:])
