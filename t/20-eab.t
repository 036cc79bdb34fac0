#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.3.4, external account binding, over the wire: which bindings are
# taken, and what the key means for the account's orders.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => <<'EOT')->start;
<ACMEProfile web>
    ACMEProfileExternalAccount required
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile any>
    ACMEProfileExternalAccount optional
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile open>
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT

# A client with a key of its own that is at this profile's directory.
sub client {
    my ($profile, %o) = @_;
    return AcmeWire->new(server => $server, %o,
        profile => $profile || 'web');
}

# newAccount with this binding.
sub bind_as {
    my ($client, $key, %o) = @_;
    return $client->register(
        externalAccountBinding => binding($client, $key, %o));
}

# A client that has an account by a key of its own: (client, key).
sub bound {
    my (@args) = @_;
    my $key    = eab($server, '--profile', 'web', @args);
    my $client = client();
    answered(bind_as($client, $key), 201, "an account by a key with @args");
    return ($client, $key);
}

my $key = eab($server, '--profile', 'web');

subtest 'T40: bindings that are good' => sub {
    for my $kind (qw(ec256 ec384 rsa2048 ed25519)) {
        for my $alg ($kind eq 'ec256' ? qw(HS256 HS384 HS512) : 'HS256') {
            my $client = client('web', key => $kind);
            my $res = bind_as($client, $key, alg => $alg);
            answered($res, 201, "$alg of an $kind key");
            my $shown = $res->{json}{externalAccountBinding};
            ok($shown->{signature}, 'it is reflected');
        }
    }
    my $client = client('web');
    my %jwk    = %{ $client->{jwk} };
    answered(bind_as($client, $key, payload => { %jwk, use => 'sig',
        kid => 'x' }), 201, 'R28: the same key with other members');
};

subtest 'T40, T41: bindings that are not' => sub {
    my $client = client();
    my $stranger = client();
    $client->cacert;
    refused($client->register, 403, 'externalAccountRequired', 'none at all',
        qr/key identifier and an HMAC key/);
    my $url = $client->endpoints->{newAccount};
    for my $case (
        ['another secret', 403, 'unauthorized', qr/MAC is wrong/,
            secret => 'x' x 43],
        ['an unknown KID', 403, 'unauthorized', qr/not known/, kid => 'nobody'],
        ['a MAC that was changed', 403, 'unauthorized', qr/MAC is wrong/,
            alter => sub { $_[0]{signature} = encode_base64url('x' x 32) }],
        ['a MAC that was cut', 403, 'unauthorized', qr/MAC is wrong/,
            alter => sub { $_[0]{signature} = encode_base64url('x' x 16) }],
        ['no MAC', 400, 'malformed', qr/./,
            alter => sub { delete $_[0]{signature} }],
        ['a url that is another one', 400, 'malformed', qr/url/,
            url => "$url/"],
        ['no url', 400, 'malformed', qr/url/, url => undef],
        ['a nonce', 400, 'malformed', qr/nonce/, nonce => 'x'],
        ['no kid', 400, 'malformed', qr/kid/, kid => undef],
        ['a kid that is no text', 400, 'malformed', qr/kid/, kid => [1]],
        ['a kid beyond ASCII', 400, 'malformed', qr/kid/, kid => "k\x{e9}"],
        ['a signature instead', 400, 'malformed', qr/HS256/, alg => 'ES256'],
        ['alg none', 400, 'malformed', qr/HS256/, alg => 'none'],
        ['another key inside', 400, 'malformed', qr/another key/,
            payload => $stranger->{jwk}],
        ['no key inside', 400, '(?:malformed|badPublicKey)', qr/./,
            payload => {}],
        ['text inside', 400, 'malformed', qr/./, payload => 'key'])
    {
        my ($name, $status, $type, $regex, %o) = @$case;
        my $secret = delete $o{secret};
        my $with   = $secret ? { %$key, hmacKey => $secret } : $key;
        my $res    = bind_as($client, $with, %o);
        refused($res, $status, AcmeClient::problem($res) =~ /^$type$/
            ? AcmeClient::problem($res) : $type, $name, $regex);
    }
    for my $binding ('x', [], {}, 1) {
        refused($client->register(externalAccountBinding => $binding), 400,
            'malformed', 'a binding that is ' . JSON::PP->new->allow_nonref
                ->encode($binding));
    }
    is(sql($server, "SELECT count(*) FROM events WHERE kind = "
        . "'account.create' AND eab_kid <> ''"), "7\n",
        'nobody else got an account');
    my $events = sql($server,
        "SELECT detail FROM events WHERE kind = 'request.refuse'");
    like($events, qr/MAC is wrong/, 'refusals are events');
};

subtest 'T33, T34: accounts that are there' => sub {
    my ($client, $key) = bound('--max-accounts', 1);
    my $kid = $client->{kid};
    my $res = bind_as($client, $key);
    answered($res, 200, 'R28: the same binding again');
    is(AcmeClient::header($res, 'location'), $kid, 'is the same account');
    answered($client->register, 200, 'T33: without any');
    answered($client->register(onlyReturnExisting => JSON::PP::true), 200,
        'T34: onlyReturnExisting');
    answered($client->register(externalAccountBinding => 'garbage'), 200,
        'T33: what comes with it is not looked at');
    my $other = client();
    refused(bind_as($other, $key), 403, 'unauthorized',
        'but there is no second account', qr/all the accounts/);
    refused($other->register(onlyReturnExisting => JSON::PP::true), 400,
        'accountDoesNotExist', 'T34: an account that is not there');
    sql($server, "UPDATE eabs SET expires_at = 1 WHERE kid = "
        . "'$key->{kid}'");
    answered(bind_as($client, $key), 200, 'T33: nor does it matter that the'
        . ' key has expired since');
};

subtest 'keys that bind nobody' => sub {
    for my $what ('suspend', 'revoke') {
        my ($client, $key) = bound();
        my $order = $client->order('a.test')->{json};
        acmectl($server, 'eab', $what, $key->{kid});
        my $word = { suspend => 'suspended', revoke => 'revoked' }->{$what};
        refused(bind_as(client(), $key), 403, 'unauthorized',
            "$word: no new account", qr/$word/);
        refused($client->order('a.test'), 403, 'unauthorized',
            'its accounts place no orders', qr/$word/);
        refused($client->get($order->{self}), 403, 'unauthorized',
            'and see none');
        refused($client->get($order->{authorizations}[0]), 403,
            'unauthorized', 'nor authorizations');
        acmectl($server, 'eab', 'resume', $key->{kid});
        is($client->get($order->{self})->{status},
            $what eq 'suspend' ? 200 : 403, 'what resume does to that');
    }
    my $key = eab($server, '--profile', 'web', '--expires', '1d');
    sql($server, "UPDATE eabs SET expires_at = 1000000000 WHERE kid = "
        . "'$key->{kid}'");
    refused(bind_as(client(), $key), 403, 'unauthorized', 'expired',
        qr/expired at 2001-09-09T01:46:40Z/);
    my $any = eab($server, '--profile', 'any');
    refused(bind_as(client(), $any), 403, 'unauthorized',
        'for another profile', qr/"any"/);
    answered(bind_as(client('any'), $any), 201, 'optional: with a key');
    answered(client('any')->register, 201, 'optional: without');
    refused(bind_as(client('any'), { %$any, hmacKey => 'y' x 43 }), 403,
        'unauthorized', 'optional: with a wrong one');
    my $open = client('open');
    my $res = bind_as($open, $any);
    answered($res, 201, 'off: a binding is not looked at');
    is($res->{json}{externalAccountBinding}, undef, 'T40: nor reflected');
};

subtest 'the names of a key' => sub {
    my ($client, $key) = bound('--allow', '*.a.test', '--allow', 'a.test');
    answered($client->order('a.test', 'x.a.test'), 201, 'its names');
    my $res = $client->order('a.test', 'b.test', 'x.y.a.test');
    refused($res, 403, 'rejectedIdentifier', 'others',
        qr/external account key allows/);
    is(join(' ', map { $_->{identifier}{value} }
        @{ $res->{json}{subproblems} }), 'b.test x.y.a.test',
        'a subproblem for each of them');
    my $order = $client->authorize($client->order('a.test')->{json},
        $responder);
    is($order->{status}, 'ready', 'an order');
    sql($server, "UPDATE eabs SET allow = '[\"b.test\"]' WHERE kid = "
        . "'$key->{kid}'");
    refused($client->post($order->{finalize}, { csr =>
        encode_base64url($client->csr(['a.test'])) }), 403,
        'rejectedIdentifier', 'T61: looked at again with finalize',
        qr/allows b\.test only/);
};

subtest 'the networks of a key' => sub {
    my $far = eab($server, '--profile', 'web', '--from', '192.0.2.0/24');
    refused(bind_as(client(), $far), 403, 'unauthorized', 'from elsewhere',
        qr/127\.0\.0\.1, only from 192\.0\.2\.0\/24/);
    my ($client, $key) = bound('--from', '192.0.2.0/24', '--from',
        '127.0.0.0/8');
    my $order = $client->authorize($client->order('a.test')->{json},
        $responder);
    sql($server, "UPDATE eabs SET sources = '[\"192.0.2.0/24\"]' WHERE kid ="
        . " '$key->{kid}'");
    refused($client->order('a.test'), 403, 'unauthorized', 'newOrder',
        qr/192\.0\.2/);
    refused($client->post($order->{finalize}, { csr =>
        encode_base64url($client->csr(['a.test'])) }), 403, 'unauthorized',
        'T61: finalize', qr/192\.0\.2/);
};

subtest 'orders a day' => sub {
    my $left = one_day();
    my ($client, $key) = bound('--max-orders-per-day', 2);
    my $second = client();
    answered(bind_as($second, $key), 201, 'two accounts');
    answered($client->order('a.test'), 201, 'one order');
    refused($client->order('*.a.test'), 403, 'rejectedIdentifier',
        'what is refused does not count');
    answered($second->order('a.test'), 201, 'and another');
    my $res = $client->order('a.test');
    refused($res, 429, 'rateLimited', 'the third', qr/2 orders of today/);
    my $after = AcmeClient::header($res, 'retry-after');
    ok($after == 600 || $after < 600 && abs($left - $after) < 60,
        'R19: Retry-After: ten minutes, or until midnight') or diag $after;
    sql($server, "UPDATE eabs SET orders_day = orders_day - 1 WHERE kid = "
        . "'$key->{kid}'");
    answered($client->order('a.test'), 201, 'tomorrow there are more');
};

subtest 'whose account it is' => sub {
    my ($client, $key) = bound('--name', 'team a');
    my ($id) = $client->{kid} =~ m{([^/]+)$};
    my $shown = acmectl_json($server, 'account', 'show', $id);
    is($shown->{externalAccountKey}, $key->{kid}, 'acmectl account show tells');
    my $pem = $client->certificate($responder, 'c.test');
    like($client->verify($pem, 'c.test'), qr/: OK$/m, 'a certificate');
    is(sql($server, "SELECT count(*) FROM events WHERE kind = 'cert.issue'"
        . " AND eab_kid = '$key->{kid}'"), "1\n",
        'the event of it names the key');
};

$server->finish;
done_testing;
