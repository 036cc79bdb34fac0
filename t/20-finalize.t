#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.4, 7.4.2: finalize and the certificate (T55 to T61, T70, T72, R12,
# R13, R16, R18, R32).  Two finalizes at once are in 50-finalize.t.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64 encode_base64url decode_base64url);
use Test::More;

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $c      = AcmeWire->new(server => $server);
$c->register;
$responder->thumbprint($c->thumbprint);

sub ready {
    my ($client, @names) = @_;
    my $order = $client->order(@names)->{json};
    return $order if $order->{status} eq 'ready';
    return $client->authorize($order);
}

sub finalize {
    my ($order, $der, $client) = @_;
    return ($client || $c)->post($order->{finalize},
        { csr => encode_base64url($der) });
}

# A request as openssl makes it: options, and subjectAltName unless undef.
sub request {
    my ($san, @options) = @_;
    my $key = "$c->{dir}/other.key";
    AcmeClient::make_key('ec256', $key) if !-e $key;
    push @options, '-subj', '/' if !grep { $_ eq '-subj' } @options;
    push @options, '-key', $key if !grep { $_ eq '-key' } @options;
    push @options, '-addext', "subjectAltName=$san" if defined $san;
    return AcmeClient::run(qw(openssl req -new -outform DER), @options);
}

# A certificate chain's first certificate, as text.
sub leaf_text {
    my ($pem) = @_;
    AcmeServer::write_file("$c->{dir}/leaf.pem", $pem);
    return AcmeClient::run(qw(openssl x509 -noout -text -in),
        "$c->{dir}/leaf.pem");
}

sub not_ready {
    my $csr   = $c->csr(['e.test']);
    my $order = $c->order('e.test')->{json};
    refused(finalize($order, $csr), 403, 'orderNotReady',
        'T55 a pending order');
    $c->post($order->{authorizations}[0], { status => 'deactivated' });
    is($c->get($order->{self})->{json}{status}, 'invalid', 'T55 invalid now');
    refused(finalize($order, $csr), 403, 'orderNotReady',
        'T55 an invalid order');
}

sub succeeds {
    my $order = ready($c, 'a.test', 'b.test');
    my $csr   = $c->csr(['b.test', 'a.test']);
    my $res   = finalize($order, $csr);
    answered($res, 200, 'R12 T59 finalize');
    is($res->{json}{status}, 'valid', 'R12 T59 valid at once');
    is_deeply($res->{headers}{location}, [$order->{self}],
        'R10 T59 with the Location of the order, once');
    like($res->{json}{certificate}, qr{^https://.*/cert/}, 'T59 a certificate');
    is(AcmeClient::header($res, 'retry-after') // 'none', 'none',
        'R19 nothing to wait for');
    is_deeply($c->get($order->{self})->{json}, $res->{json},
        'T59 the order reads the same');
    for (1 .. 2) {
        my $again = finalize($order, $csr);
        answered($again, 200, 'R13 the same CSR again');
        is_deeply([$again->{json}, $again->{headers}{location}],
            [$res->{json}, [$order->{self}]], 'R13 R10 gives the same order');
    }
    refused(finalize($order, $c->csr(['a.test', 'b.test'])), 403,
        'orderNotReady', 'T55 another CSR');
    is(sql($server, 'SELECT count(*) FROM certs WHERE order_id IS NOT NULL'),
        "1\n", 'T60 one certificate');
    return $res->{json}{certificate};
}

sub certificate {
    my ($url) = @_;
    my $res = $c->get($url);
    answered($res, 200, 'T70 the certificate',
        'application/pem-certificate-chain');
    my @blocks = $res->{body} =~ /(-----BEGIN\ CERTIFICATE-----\n
        (?:[\w+\/]{64}\n)*[\w+\/]{1,64}=?=?\n-----END\ CERTIFICATE-----\n)/gx;
    is(join('', @blocks), $res->{body}, 'T70 T82 strict PEM and nothing else');
    ok(@blocks >= 2 && @blocks <= 5, 'R18 two to five of them');
    like($c->verify($res->{body}, $_), qr/OK/, "T70 verified for $_")
        for 'a.test', 'b.test';
    my $text = leaf_text($res->{body});
    like($text, qr/DNS:a\.test, DNS:b\.test\n/, 'T56 both names, no others');
    like($text, qr/Subject: CN = a\.test/, 'T56 R32 CN is filled in');
    is($c->get($url)->{body}, $res->{body}, 'T70 the same each time');
    my $other = AcmeWire->new(server => $server);
    $other->register;
    my $theirs = $other->get($url);
    refused($theirs, 404, 'malformed', 'T72 not for other accounts');
    is($theirs->{body}, $other->get($url =~ s{(.*/).}{$1_}r)->{body},
        'T29 T72 as if it did not exist');
    refused($c->http('GET', $url), 405, 'malformed', 'T72 nor without account');
}

sub bad_names {
    my $order = ready($c, 'a.test', 'b.test');
    my $bad = sub {
        my ($why, $der, $detail) = @_;
        refused(finalize($order, $der), 400, 'badCSR', "T56 $why", $detail);
    };
    my $san = 'DNS:a.test,DNS:b.test';
    $bad->('a name is missing', request('DNS:a.test'), qr/b\.test/);
    $bad->('a name is too much', request("$san,DNS:c.test"), qr/c\.test/);
    $bad->('another name', request('DNS:a.test,DNS:c.test'),
        qr/b\.test.*c\.test|c\.test.*b\.test/s);
    $bad->('no name', request(undef), qr/a\.test/);
    $bad->('a CN of another name', request($san, '-subj', '/CN=c.test'),
        qr/c\.test/);
    $bad->('a CN that is no name', request($san, '-subj', '/CN=Me'), qr/Me/i);
    $bad->('two CNs', request($san, '-subj', '/CN=a.test/CN=b.test'));
    $bad->('a wildcard', request("$san,DNS:*.a.test"), qr/\*\.a\.test/);
    $bad->("an extra $_", request("$san,$_")) for 'IP:127.0.0.1',
        'email:a@a.test', 'URI:https://a.test/', 'RID:1.2.3.4',
        'otherName:1.2.3.4;UTF8:x';
    $bad->('an organisation', request($san, '-subj', '/O=Acme/CN=a.test'));
    $bad->('CA:TRUE', request($san, '-addext', 'basicConstraints=CA:TRUE'));
    $bad->("a wish for $_", request($san, '-addext', $_)) for
        'keyUsage=keyCertSign', 'extendedKeyUsage=codeSigning',
        'extendedKeyUsage=anyExtendedKeyUsage';
    my $doc = $c->get($order->{self})->{json};
    is($doc->{status}, 'ready', 'T56 the order stays ready');
    ok(!exists $doc->{error}, 'T56 without an error');
    answered(finalize($order, request('DNS:B.TEST,DNS:a.Test', '-subj',
        '/CN=A.TEST')), 200, 'T56 names in capitals are the same names');
}

sub bad_form {
    my $order = ready($c, 'a.test');
    my $good  = request('DNS:a.test');
    my $send  = sub { $c->post($order->{finalize}, $_[0]) };
    my $text  = encode_base64url($good);
    my $broken = $good;
    substr($broken, -5, 1) ^= "\1";
    refused(finalize($order, $_->[1]), 400, 'badCSR', "T57 $_->[0]")
        for ['a broken signature', $broken],
        ['SHA-1', request('DNS:a.test', '-sha1')],
        ['an octet behind it', "$good\0"], ['cut short', substr $good, 0, -1],
        ['PEM', AcmeClient::run(qw(openssl req -new -subj / -key),
            "$c->{dir}/other.key")],
        ['no DER', 'hello'], ['nothing', ''], ['an empty sequence', "0\0"],
        ['a long length', "0\x84\xff\xff\xff\xff"], ['zeros', "\0" x 3000];
    my $pem = AcmeClient::run(qw(openssl req -new -subj / -key),
        "$c->{dir}/other.key", '-addext', 'subjectAltName=DNS:a.test');
    for (['no csr', {}], ['a number', { csr => 1 }], ['null',
            { csr => undef }], ['an array', { csr => [$text] }],
        ['PEM', { csr => $pem }], ['padding', { csr => "$text=" }],
        ['base64', { csr => encode_base64($good . '>>>???', '') }],
        ['blanks', { csr => " $text" }])
    {
        my $res = $send->($_->[1]);
        my $type = AcmeClient::problem($res);
        like($type, qr/^(?:malformed|badCSR)$/, "T02 T57 $_->[0]");
        refused($res, 400, $type, "T02 T57 $_->[0]", qr/csr/i);
    }
    refused($send->(''), 400, 'malformed', 'T17 finalize by POST-as-GET');
    is($c->get($order->{self})->{json}{status}, 'ready', 'T56 still ready');
    answered($send->({ csr => $text, extra => 1 }), 200,
        'T57 the right form, and a member more');
}

sub bad_keys {
    my $order = ready($c, 'a.test');
    my $other = AcmeWire->new(server => $server, key => 'rsa2048');
    $other->register;
    refused(finalize($order, request('DNS:a.test', '-key', $_->[1])), 400,
        'badCSR', "T58 $_->[0]", qr/key/)
        for ['the account\'s own key', $c->{key_file}],
        ['the key of another account', $other->{key_file}];
    my $key = "$c->{dir}/weak.key";
    for my $kind (qw(rsa1024 rsa1536)) {
        AcmeClient::make_key($kind, $key);
        refused(finalize($order, request('DNS:a.test', '-key', $key)), 400,
            'badCSR', "R32 a key of kind $kind");
    }
    for my $curve (qw(secp256k1 P-192 brainpoolP256r1)) {
        AcmeClient::run(qw(openssl genpkey -algorithm EC -out), $key,
            '-pkeyopt', "ec_paramgen_curve:$curve");
        refused(finalize($order, request('DNS:a.test', '-key', $key)), 400,
            'badCSR', "R32 a key on $curve");
    }
    is($c->get($order->{self})->{json}{status}, 'ready', 'T56 still ready');
    for my $kind (qw(ec256 ec384 rsa2048 rsa4096)) {
        AcmeClient::make_key($kind, $key);
        my $next = ready($c, 'a.test');
        my $res  = finalize($next, request(undef, '-key', $key, '-subj',
            '/CN=a.test'));
        answered($res, 200, "R32 a key of kind $kind, CN only");
        my $pem = $c->get($res->{json}{certificate})->{body};
        like($c->verify($pem, 'a.test'), qr/OK/, "R32 $kind verified");
        my $usage = $kind =~ /rsa/ ? qr/Digital Signature, Key Encipherment\n/
            : qr/Digital Signature\n/;
        like(leaf_text($pem), $usage, "R32 usages fit $kind");
    }
}

sub rechecked {
    my $order = ready($c, 'c.test', 'd.test');
    $c->post($order->{authorizations}[1], { status => 'deactivated' });
    refused(finalize($order, request('DNS:c.test,DNS:d.test')), 403,
        'orderNotReady', 'T61 an authorization has gone meanwhile');
    my $other = AcmeWire->new(server => $server);
    $other->register;
    $responder->thumbprint($other->thumbprint);
    my $theirs = ready($other, 'a.test');
    my $csr = request('DNS:a.test');
    refused(finalize($theirs, $csr), 404, 'malformed',
        'T29 somebody else cannot finalize it');
    $other->post($other->{kid}, { status => 'deactivated' });
    refused(finalize($theirs, $csr, $other), 401, 'unauthorized',
        'T61 the account has gone meanwhile');
    my $id = $other->{kid} =~ s{.*/}{}r;
    is(sql($server, "SELECT count(*) FROM certs WHERE account_id = '$id'"
        . " OR identifiers LIKE '%c.test%'"), "0\n", 'T61 no certificate');
}

not_ready();
certificate(succeeds());
bad_names();
bad_form();
bad_keys();
rechecked();
$server->finish;
done_testing;
