#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 6: transport, JWS and nonces (T01 to T29), under a server whose
# other modules would like to have a say (H1 to H7).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha1);
use File::Path qw(make_path);
use JSON::PP ();
use MIME::Base64 qw(encode_base64 encode_base64url decode_base64url);
use Test::More;

use AcmeCheck;
use AcmeServer;
use AcmeWire;

my $dir = AcmeServer::tempdir();
make_path("$dir/htdocs/acme/new-order");
AcmeServer::write_file("$dir/htdocs/acme/$_", "a file\n")
    for qw(directory.html new-account.html new-order/index.html);

my $tempting = <<"EOT" . join "\n",
DocumentRoot $dir/htdocs
DirectoryIndex index.html
CheckSpelling on
SetOutputFilter DEFLATE
RequestReadTimeout header=20 body=1
<Directory $dir/htdocs>
    Options +MultiViews +Indexes
</Directory>
EOT
    map { "ErrorDocument $_ \"<html>core</html>\"" }
    qw(400 401 403 404 405 408 413 415 500 503);
my $server = AcmeServer->new(vhost => $tempting,
    global  => 'TypesConfig /dev/null',
    modules => [qw(dir mime negotiation speling filter deflate authn_core
        authn_file auth_basic authz_user reqtimeout)])->start;

my $json = JSON::PP->new->canonical->utf8;
my $c    = AcmeWire->new(server => $server);
my %url  = %{ $c->endpoints };
$c->register;
my $acct = $c->{kid};

# POST-as-GET of the account.
sub ask { return $c->post($acct, '', @_) }

# The parts of a good JWS, for a test to spoil; sent as it is.
sub parts { return JSON::PP::decode_json($c->jws($acct, @_ ? @_ : {})) }
sub send_json { return $c->post_raw($acct, $json->encode($_[0])) }
sub re_sign {
    my ($jws) = @_;
    $jws->{signature}
        = encode_base64url($c->sign("$jws->{protected}.$jws->{payload}"));
    return $jws;
}

sub content_type {
    answered($c->post($acct, '', content_type => $_), 200, "T01 $_")
        for 'application/jose+json', 'Application/JOSE+JSON',
        'application/jose+json; charset=utf-8', 'application/jose+json ;x=y';
    refused($c->post($acct, '', content_type => $_), 415, 'malformed',
        "T01 $_", qr/Content-Type/)
        for 'text/plain', 'application/json', 'application/jose+jsonx',
        'application/jose', 'application/jose+json,text/plain', '*/*';
    refused($c->http('POST', $acct, body => $c->jws($acct, '')), 415,
        'malformed', 'T01 no Content-Type');
}

sub base64url {
    for my $part (qw(protected payload signature)) {
        for (['=', 'padding'], [' ', 'a blank'], ["\n", 'a newline'],
            ['+', 'base64, not base64url'], ["\x{e9}", 'no ASCII'])
        {
            my $jws = parts();
            $jws->{$part} .= $_->[0];
            re_sign($jws) if $part ne 'signature' && $_->[0] lt "\x7f";
            refused(send_json($jws), 400, 'malformed',
                "T02 $_->[1] in $part", qr/base64url/);
        }
    }
    my $stray = parts();
    $stray->{signature} =~ s/([AQgw])$/chr(1 + ord $1)/e;
    refused(send_json($stray), 400, 'malformed',
        'T02 stray bits at the end of the signature', qr/base64url/);
    my $short = parts();
    $short->{payload} = 'e';
    refused(send_json(re_sign($short)), 400, 'malformed',
        'T02 a lonely character', qr/base64url/);
}

sub shape {
    my $jws = parts();
    refused(send_json({ payload => $jws->{payload}, signatures =>
        [{ protected => $jws->{protected}, signature => $jws->{signature} }] }),
        400, 'malformed', 'T03 general serialisation', qr/signatures/);
    refused($c->post_raw($acct, join '.', @$jws{qw(protected payload
        signature)}), 400, 'malformed', 'T03 compact serialisation');
    refused(send_json({ %$jws, header => {} }), 400, 'malformed',
        'T03 an unprotected header', qr/header/);
    refused(send_json({ %$jws, extra => 1 }), 400, 'malformed',
        'T03 one more member', qr/extra/);
    for my $part (qw(protected payload signature)) {
        my %lacking = %$jws;
        delete $lacking{$part};
        refused(send_json(\%lacking), 400, 'malformed', "T03 no $part",
            qr/$part/);
        refused(send_json({ %$jws, $part => [] }), 400, 'malformed',
            "T03 $part is no string", qr/$part/);
    }
    refused($c->post_raw($acct, $_), 400, 'malformed', "T03 body is '$_'")
        for '[]', '""', '17', 'null', '{}', '{', '';
    refused(ask(crit => ['b64'], b64 => JSON::PP::false), 400, 'malformed',
        'T03 b64:false', qr/crit/);
    refused(ask(crit => []), 400, 'malformed', 'T03 crit', qr/crit/);
    refused(ask(protected => $_), 400, 'malformed', "T03 header is '$_'")
        for '[]', '', 'null', '{"alg":"ES256"';
    answered($c->http('POST', $acct, body => $c->jws($acct, ''), headers => [
        'Content-Type: application/jose+json', 'Replay-Nonce: AAAA']), 200,
        'T23 a nonce as request header is ignored');
}

sub protected_header {
    refused(ask(alg => undef), 400, 'malformed', 'T04 no alg', qr/alg/);
    refused(ask(url => undef), 400, 'malformed', 'T04 no url', qr/url/);
    refused(ask(kid => undef), 400, 'malformed', 'T04 neither jwk nor kid',
        qr/kid/);
    refused(ask(jwk => $c->{jwk}, kid => $acct), 400, 'malformed',
        'T04 both jwk and kid', qr/both/);
    refused(ask($_ => [1]), 400, 'malformed', "T04 $_ is an array", qr/$_/)
        for qw(alg url nonce kid jwk);
    for my $alg (qw(none HS256 HS512 ES256K PS256 RS512 es256), '') {
        my $res = ask(alg => $alg);
        refused($res, 400, 'badSignatureAlgorithm', "T05 alg '$alg'");
        is_deeply([sort @{ $res->{json}{algorithms} || [] }],
            [qw(ES256 ES384 ES512 EdDSA RS256)], 'T05 with the list of those');
    }
    refused(ask(alg => $_), 400, 'badPublicKey', "T06 $_ with a P-256 key")
        for qw(ES384 ES512 RS256 EdDSA);
    answered(ask(x => { y => [1] }, typ => 'JWT'), 200,
        'T04 other members of the header mean nothing');
}

sub newest {
    my ($jwk, $alg) = @_;
    return $c->post($url{newAccount}, {}, jwk => $jwk, alg => $alg);
}

sub bad_keys {
    my %ec  = %{ $c->{jwk} };
    my $y   = decode_base64url($ec{y});
    my $off = encode_base64url(substr($y, 0, 31) . chr(1 ^ ord substr $y, 31));
    my $rsa = AcmeClient->new(directory => 'none', key => 'rsa2048')->{jwk};
    my $n   = decode_base64url($rsa->{n});
    my $b64 = sub { encode_base64url($_[0]) };
    for (['a point off the curve', y => $off],
        ['x too short', x => 'AAAA'], ['x too long', x => "AAAA$ec{x}"],
        ['the point (0, 0)', x => 'A' x 43, y => 'A' x 43],
        ['coordinates over the prime', x => $b64->("\xff" x 32)],
        ['another curve', crv => 'P-384'], ['a curve of others', crv => 'P-1'],
        ['a private key', d => 'AAAA'], ['a symmetric key', kty => 'oct'])
    {
        my ($what, %change) = @$_;
        refused(newest({ %ec, %change }, 'ES256'), 400, 'badPublicKey',
            "T07 $what");
    }
    for (['1024 bits', n => $b64->("\xff" x 128)],
        ['16384 bits', n => $b64->("\xff" x 2048)],
        ['an even modulus', n => $b64->(substr($n, 0, 255) . "\x02")],
        ['a modulus of small factors', n => $b64->("\xff" x 256)],
        ['a modulus with leading zeros', n => $b64->("\0$n")],
        ['no modulus', n => ''], ['e is 1', e => 'AQ'], ['e is 2', e => 'Ag'],
        ['e is even', e => 'AQAA'], ['e is huge', e => $b64->("\x01" x 40)])
    {
        my ($what, %change) = @$_;
        refused(newest({ %$rsa, %change }, 'RS256'), 400, 'badPublicKey',
            "T07 RSA, $what");
    }
    my %ed = (kty => 'OKP', crv => 'Ed25519');
    refused(newest({ %ed, x => $b64->($_) }, 'EdDSA'), 400, 'badPublicKey',
        'T07 Ed25519, ' . length($_) . ' octets, ' . unpack 'H4', $_)
        for "\0" x 32, "\1" . "\0" x 31, 'x' x 31, 'x' x 33;
    refused(newest({ %ed, crv => 'X25519', x => 'A' x 43 }, 'EdDSA'), 400,
        'badPublicKey', 'T07 X25519 signs nothing');
    for my $member (qw(kty crv x y)) {
        my %lacking = %ec;
        delete $lacking{$member};
        refused(newest(\%lacking, 'ES256'), 400, 'malformed',
            "T07 no $member", qr/$member/);
        refused(newest({ %ec, $member => 1 }, 'ES256'), 400, 'malformed',
            "T07 $member is a number", qr/$member/);
    }
}

sub signer {
    my $order = { identifiers => [{ type => 'dns', value => 'a.test' }] };
    refused($c->post($url{newOrder}, $order, jwk => $c->{jwk}), 400,
        'malformed', 'T08 jwk at newOrder', qr/kid/);
    refused($c->post($acct, '', jwk => $c->{jwk}), 400, 'malformed',
        'T08 jwk at the account', qr/kid/);
    refused($c->post($url{newAccount}, {}), 400, 'malformed',
        'T08 kid at newAccount', qr/jwk/);
    my ($id) = $acct =~ m{/([^/]+)$};
    my ($base) = $acct =~ m{^(.*)/acct/};
    (my $plain = $acct) =~ s/^https/http/;
    refused(ask(kid => $_), 400, 'accountDoesNotExist', "T09 kid '$_'")
        for $id, "/acme/acct/$id", "$base/other/acct/$id", "$acct/", "$acct?",
        "$base/order/$id", "https://other.example/acme/acct/$id", $plain, '',
        "$base/acct/../acct/$id", "\U$base\E/acct/$id";
    my $none = 'A' x length $id;
    refused(ask(kid => "$base/acct/$none"), 400, 'accountDoesNotExist',
        'T10 an account that does not exist');
}

sub signature {
    my $nonce = $c->nonce;
    my $wrong = encode_base64url("\1" x 64);
    my $res   = ask(nonce => $nonce, signature => $wrong);
    refused($res, 400, 'malformed', 'T11 a wrong signature', qr/signature/);
    $res = ask(nonce => $nonce, url => "$acct/x");
    refused($res, 403, 'unauthorized', 'T21 a right signature, a wrong url');
    answered(ask(nonce => $nonce), 200,
        'T21 neither of them has spent the nonce');
    my $jws = parts();
    AcmeServer::write_file("$c->{dir}/tbs",
        "$jws->{protected}.$jws->{payload}");
    my $der = AcmeClient::run(qw(openssl dgst -sha256 -sign), $c->{key_file},
        "$c->{dir}/tbs");
    my $raw = decode_base64url($jws->{signature});
    for (['a DER signature', $der], ['one octet less', substr $raw, 1],
        ['one octet more', "\0$raw"], ['all zero', "\0" x 64],
        ['all ones', "\xff" x 64], ['nothing', ''])
    {
        refused(send_json({ %$jws, signature => encode_base64url($_->[1]) }),
            400, 'malformed', "T12 $_->[0]", qr/signature/);
    }
    refused(send_json({ %$jws, payload => encode_base64url('{"x":1}') }), 400,
        'malformed', 'T11 another payload than the signed one');
}

sub post_at {
    my ($path, %o) = @_;
    return $c->http('POST', $url{newOrder}, path => $path,
        body => $c->jws($o{url} || $url{newOrder},
            { identifiers => [{ type => 'dns', value => 'a.test' }] }),
        headers => ['Content-Type: application/jose+json'], %o);
}

sub url {
    my ($host) = $acct =~ m{https://([^/]*)};
    (my $upper = $acct) =~ s/localhost/LOCALHOST/;
    for ($url{newOrder}, "$acct/", "$acct?", "$acct#x", $upper, '', 'x',
        "https://ca.example/acme/acct/x", $acct =~ s/https/http/r,
        $acct =~ s/:\d+//r, $acct =~ s{/acct/}{/%61cct/}r)
    {
        my $res = ask(url => $_);
        refused($res, 403, 'unauthorized', "T13 url '$_'", qr/\Q$_\E/);
        like($res->{json}{detail}, qr/\Q$acct\E/, 'T13 and says the right one');
    }
    for my $name ('evil.example', 'evil.example:443', '127.0.0.1') {
        my $res = $c->http('POST', $acct, body => $c->jws($acct, ''),
            host => $name, headers => ['Content-Type: application/jose+json']);
        answered($res, 200, "H4 Host: $name has no say");
        like($res->{json}{orders}, qr{^\Q$server->{base}\E/},
            'H4 the configured base URL is used');
    }
    for my $path (map { "/acme/$_" } '/new-order', './new-order', 'new-order/',
        'x/../new-order', 'new%2dorder', '%6eew-order', 'new-order?x=1',
        'new-order?', 'new-order;x', 'new-order%00', 'new-order%20',
        'new-order.html', 'new-ordre', 'NEW-ORDER', 'new-order/index.html')
    {
        refused(post_at($path), 404, 'malformed',
            "T14 H6 $path is another resource");
    }
    for my $path ('//acme/new-order', '/x/../acme/new-order', '/ACME/new-order',
        '/%61cme/new-order', '/acme%2fnew-order', '/acme//../acme/new-order')
    {
        my $res = post_at($path);
        like($res->{status}, qr/^(?:301|404)$/, "T14 H6 $path is not ours");
    }
    answered(post_at("https://$host/acme/new-order"), 201,
        'T14 absolute form of the request target');
}

sub methods {
    my $order = $c->order('a.test')->{json};
    my $authz = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($authz)->{json})->{url};
    for my $one ($url{newAccount}, $url{newOrder}, $acct, "$acct/orders",
        $order->{self}, $authz, $chall)
    {
        for my $method (qw(GET PUT DELETE PATCH)) {
            my $res = $c->http($method, $one);
            refused($res, 405, 'malformed', "T15 $method $one", qr/$method/);
            is(AcmeClient::header($res, 'allow'), 'POST', 'T15 Allow: POST');
        }
        my $res = $c->http('HEAD', $one);
        is($res->{status}, 405, "T15 HEAD $one");
        ok(!nonce_fault($res), 'T18 and that has a nonce too');
    }
    for my $one ($url{newNonce}, $server->{directory}) {
        my $res = $c->http('PUT', $one, body => 'x');
        is($res->{status}, 405, "T15 PUT $one");
        is(AcmeClient::header($res, 'allow'), 'GET, HEAD, POST', 'T15 Allow');
    }
    for my $one ($order->{self}, "$acct/orders", $url{newNonce}) {
        refused($c->post($one, {}), 400, 'malformed',
            "T17 {} is not POST-as-GET of $one", qr/POST-as-GET/);
    }
    my $both = $c->get($chall);
    is(links($both, 'index') + links($both, 'up'), 2,
        'H3 T71 several Link headers stay apart');
    refused($c->post($authz, {}), 400, 'malformed',
        'T17 {} is not POST-as-GET of an authorization', qr/status/);
    refused($c->post($url{newOrder}, ''), 400, 'malformed',
        'T17 nothing is no order', qr/object/);
    refused($c->post($acct, $_), 400, 'malformed', "T17 payload $_")
        for '[]', '"x"', '1', 'null', '{', '{}x', '{"a":1,"a":1}';
}

sub nonces {
    my $used = $c->nonce;
    answered(ask(nonce => $used), 200, 'T19 a fresh nonce');
    my $res = ask(nonce => $used);
    refused($res, 400, 'badNonce', 'T19 R4 a used nonce',
        qr/JWS has an invalid anti-replay nonce/);
    answered(ask(nonce => AcmeClient::header($res, 'replay-nonce')), 200,
        'T19 the nonce of the refusal is good');
    refused(ask(nonce => undef), 400, 'badNonce', 'T19 no nonce');
    refused(ask(nonce => 'A' x length $used), 400, 'badNonce',
        'T19 R4 an unknown nonce', qr/JWS has an invalid anti-replay nonce/);
    refused(ask(nonce => $_), 400, 'badNonce', "T19 a nonce of other length")
        for 'AAAA', 'A' x 400, $used . 'AAAA';
    refused(ask(nonce => $_), 400, 'malformed', "T20 nonce '$_'", qr/nonce/)
        for 'not!base64', "$used=", 'A', "$used ", '', 'AAAAA', "AB";
    my $nonce = $c->nonce;
    refused($c->post($acct, '[', nonce => $nonce), 400, 'malformed',
        'T21 a request that fails after its signature held');
    refused(ask(nonce => $nonce), 400, 'badNonce', 'T21 has spent its nonce');
    my %seen;
    for (1 .. 200) {
        my $head = $c->http('HEAD', $url{newNonce});
        $seen{ nonce_fault($head)
            // AcmeClient::header($head, 'replay-nonce') }++;
    }
    is(keys %seen, 200, 'R3 200 nonces, all well-formed and different');
    ok(!grep({ /[,\s=]/ || length > 64 } keys %seen), 'R3 short, no comma');
}

sub cors {
    my $res = $c->http('OPTIONS', $url{newOrder}, headers => [
        'Origin: https://app.example', 'Access-Control-Request-Method: POST',
        'Access-Control-Request-Headers: content-type']);
    like($res->{status}, qr/^20[04]$/, 'T26 OPTIONS');
    my %want = ('access-control-allow-origin' => qr/^\*$/,
        'access-control-allow-headers'  => qr/Content-Type/i,
        'access-control-allow-methods'  => qr/POST/, allow => qr/POST/);
    like(AcmeClient::header($res, $_) // '', $want{$_}, "T26 $_")
        for sort keys %want;
    for my $name (grep { !ref $url{$_} } sort keys %url) {
        my $allow = AcmeClient::header($c->http('OPTIONS', $url{$name}),
            'allow') // '';
        my $want = $name =~ /^(?:newNonce|renewalInfo)$/
            ? 'GET, HEAD, POST' : 'POST';
        is($allow, $want, "T26 OPTIONS $name: Allow");
    }
    for (ask(), ask(alg => 'none'), $c->http('GET', $server->{directory})) {
        is(AcmeClient::header($_, 'access-control-allow-origin'), '*',
            'T26 any origin may read');
        my $expose
            = AcmeClient::header($_, 'access-control-expose-headers') // '';
        like($expose, qr/\b$_\b/i, "T26 $_ is exposed")
            for qw(Link Location Replay-Nonce Retry-After);
    }
}

sub subproblems {
    my $one = $c->order('a.test', 'bad_name.test');
    refused($one, 400, 'malformed', 'T27 T28 one bad name', qr/bad_name\.test/);
    my $res = $c->post($url{newOrder}, { identifiers => [
        { type => 'dns', value => 'a.test' },
        { type => 'dns', value => 'a..test' },
        { type => 'dns', value => "b\x{e9}.test" },
        { type => 'email', value => 'a@a.test' }] });
    refused($res, 400, 'compound', 'T27 T28 mixed mistakes');
    my @subs = @{ $res->{json}{subproblems} || [] };
    is(@subs, 3, 'T28 a subproblem each');
    for (@subs) {
        like($_->{type}, qr/:(?:malformed|unsupportedIdentifier)$/,
            'T28 with its type');
        ok(length $_->{detail}, 'T28 with its detail');
    }
    is_deeply([map { $_->{identifier}{value} } grep { $_->{identifier} } @subs],
        ['a..test', "b\x{e9}.test", 'a@a.test'], 'T28 with its identifier');
}

# One character of the id changed: nobody's.
sub nobodys {
    my ($text) = @_;
    $text =~ s{(/(?:acct|order|authz|chall|cert)/)(.{12})(.)}
        {$1 . $2 . ($3 eq 'A' ? 'B' : 'A')}e;
    return $text;
}

sub others {
    my $order = $c->order('a.test')->{json};
    my $authz = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($authz)->{json})->{url};
    my $other = AcmeWire->new(server => $server);
    $other->register;
    for my $one ([$acct, ''], ["$acct/orders", ''], [$order->{self}, ''],
        [$authz, ''], [$chall, ''], [$chall, {}], [$acct, { contact => [] }],
        [$authz, { status => 'deactivated' }], [$acct,
            { status => 'deactivated' }])
    {
        my ($theirs, $nobodys) = map { $other->post($_, $one->[1]) }
            $one->[0], nobodys($one->[0]);
        refused($theirs, 404, 'malformed', "T29 somebody else's $one->[0]");
        is($theirs->{body}, $nobodys->{body}, 'T29 as if it did not exist');
    }
    answered(ask(), 200, 'T29 and nothing happened to the account');
    is($c->get($authz)->{json}{status}, 'pending', 'T29 nor to the rest');
}

# What other modules and the core would answer.
sub core_errors {
    AcmeServer::write_file("$dir/users",
        'bob:{SHA}' . encode_base64(sha1('secret')));
    $server->configure(vhost => <<"EOT")->graceful;
$tempting
<LocationMatch "^/acme/cert/">
    Require all denied
</LocationMatch>
<LocationMatch "^/acme/order/[^/]+/finalize">
    AuthType Basic
    AuthName "bob only"
    AuthUserFile $dir/users
    Require valid-user
</LocationMatch>
<LocationMatch "^/acme/authz/">
    LimitRequestBody 300
</LocationMatch>
EOT
    my $order = $c->order('a.test')->{json};
    my ($base) = $acct =~ m{^(.*)/acct/};
    refused($c->get("$base/cert/" . 'A' x 22), 403, 'unauthorized',
        'H1 H2 R2 denied by configuration');
    my $csr = encode_base64url($c->csr(['a.test']));
    my $res = $c->post($order->{finalize}, { csr => $csr });
    refused($res, 401, 'unauthorized', 'H1 H2 R2 not authenticated');
    like(AcmeClient::header($res, 'www-authenticate') // '', qr/^Basic/,
        'H1 with the challenge');
    refused($c->http('POST', $order->{finalize},
        body => $c->jws($order->{finalize}, { csr => $csr }),
        headers => ['Content-Type: application/jose+json',
            'Authorization: Basic ' . encode_base64('bob:secret', '')]),
        403, 'orderNotReady', 'H1 authenticated');
    refused($c->get($order->{authorizations}[0]), 413, 'malformed',
        'H1 H2 R2 over LimitRequestBody');
    $c->send_octets($c->compose('POST', $acct, length => 500, body => '{',
        headers => ['Content-Type: application/jose+json']), 'POST');
    refused($c->response, 408, 'malformed', 'H1 R2 a body that does not come');
    $c->detach;
}

sub bodies {
    my $big = '{"protected":"' . 'A' x 70000 . '"}';
    refused($c->post_raw($acct, $big), 413, 'malformed', 'H5 70 kB', qr/65536/);
    my $chunk = sub { sprintf "%x\r\n%s\r\n", length $_[0], $_[0] };
    my $send  = sub {
        $c->send_octets($c->compose('POST', $acct, length => undef, headers => [
            'Content-Type: application/jose+json',
            'Transfer-Encoding: chunked']) . $_[0], 'POST');
        return $c->response;
    };
    my $jws = $c->jws($acct, '');
    answered($send->(join '', map({ $chunk->($_) } unpack '(a50)*', $jws),
        "0\r\n\r\n"), 200, 'H5 a chunked body');
    refused($send->($chunk->($big) . "0\r\n\r\n"), 413, 'malformed',
        'H5 70 kB in a chunk');
    refused($send->("zz\r\n"), 400, 'malformed', 'H5 a chunk without a size');
    $c->detach;
    answered($c->http('POST', $acct, body => $c->jws($acct, ''), headers => [
        'Content-Type: application/jose+json', 'Expect: 100-continue']), 200,
        'H5 a client that waits for 100 Continue');
    my $gzip = AcmeClient::run(qw(curl -s --compressed --cacert), $c->cacert,
        $server->{directory});
    ok(JSON::PP::decode_json($gzip)->{newNonce}, 'H7 mod_deflate is harmless');
    refused($c->http('GET', "$server->{base}/acme/directory.html"), 404,
        'malformed', 'H6 no file shines through');
}

content_type();
base64url();
shape();
protected_header();
bad_keys();
signer();
signature();
url();
methods();
nonces();
cors();
subproblems();
others();
bodies();
core_errors();
$server->finish(qr/AH01630/, qr/AH03092/);
done_testing;
