#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client made of Python's acme library, as its documentation shows.

acme_client.py DIRECTORY PORT OUT KIND NAME...

KIND is ec or rsa, for the account's and the certificate's key.  OUT/account.key
is kept; OUT/key.pem and OUT/chain.pem are written anew.  http-01 is answered on
127.0.0.1:PORT.
"""

import os
import sys
import threading

from acme import challenges, client, crypto_util, errors, messages, standalone
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


main(*sys.argv[1:])
