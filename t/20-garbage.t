#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Garbage of any kind gets a clear 4xx, with all the headers of a good answer,
# and leaves no trace in the database.  ACME_SEED repeats a random run.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;

use AcmeCheck;
use AcmeServer;
use AcmeWire;

my $seed = srand($ENV{ACME_SEED} || (time ^ $$));
note "ACME_SEED=$seed";
my $server = AcmeServer->new(vhost => 'MaxKeepAliveRequests 0')->start;
my $c      = AcmeWire->new(server => $server);
$c->register;
my $json  = JSON::PP->new->canonical->utf8;
my $order = $c->order('a.test')->{json};
my $chall = AcmeClient::challenge(
    $c->get($order->{authorizations}[0])->{json})->{url};
my %url   = %{ $c->endpoints };
my @sinks = ($c->{kid}, $url{newOrder}, $url{newAccount}, $chall,
    $order->{finalize});
my $good  = { identifiers => [{ type => 'dns', value => 'b.test' }] };

# ok unless one of these answers is no clear refusal.
sub all_refused {
    my ($name, @answers) = @_;
    my @bad;
    for (@answers) {
        my ($what, $res) = @$_;
        my @faults = $res ? refusal_faults($res) : 'no answer';
        push @bad, join '; ', substr($what, 0, 200), @faults if @faults;
    }
    ok(@answers && !@bad, "$name (seed $seed, " . @answers . ' of them)')
        or diag join "\n", grep { defined } @bad[0 .. 9];
}

sub bodies {
    my $b64   = encode_base64url('{}');
    my $deep  = sub { $_[1] x $_[0] . $_[2] x $_[0] };
    my @found = map { my $body = $_; map { [$body, $c->post_raw($_, $body)] }
        @sinks } '', ' ', "\0", "\0" x 100, '{}', '[]', '""', 'x', '0', 'true',
        '{"protected"', "\xef\xbb\xbf{}", "\xff\xfe{\0}\0", '<html></html>',
        'protected=x&payload=y', $deep->(10, '[', ']'), $deep->(17, '[', ']'),
        $deep->(30000, '[', ']'), '[' x 60000, '{"a":' x 10000, '"' x 60000,
        '\\' x 60000, '{"a":1,' x 9000, 'x' x 65536, 'x' x 65537, ' ' x 200000,
        "{\"protected\":\"$b64\",\"payload\":\"$b64\"}",
        "{\"protected\":\"$b64\",\"payload\":\"\",\"signature\":\"\xff\"}",
        "{\"protected\":\"$b64\",\"payload\":\"\xc0\xaf\",\"signature\":\"\"}",
        "{\"protected\":\"$b64\",\"payload\":\"\\ud800\",\"signature\":\"\"}",
        "{\"protected\":\"$b64\",\"payload\":\"\\u0000\",\"signature\":\"\"}",
        "{\"protected\":\"$b64\",\"protected\":\"$b64\",\"payload\":\"\","
        . '"signature":""}', '1e999', '9' x 10000, '-', "\t{}\r\n\x0b";
    all_refused('bodies that are no JWS', @found);
}

# Protected headers of all kinds, well signed.
sub headers {
    my $head = sub { encode_base64url($_[0]) };
    my $text = $json->encode({ alg => 'ES256', nonce => $c->nonce,
        url => $url{newOrder}, kid => $c->{kid} });
    my @texts = ('', '{', '[]', '"x"', 'null', "\0", "$text$text", "$text x",
        $text =~ s/"alg"/"url":"x","alg"/r, $text =~ s/"ES256"/"ES\xff"/r,
        $text =~ s/ES256/ES256\\u0000/r,
        $text =~ s/new-order/new-order\\u0000/r,
        $text =~ s/}$/,"x":@{['[' x 20]}@{[']' x 20]}}/r,
        $text =~ s/"alg"/"alg ":1,"Alg"/r, "\xef\xbb\xbf$text",
        $text =~ s/ES256/@{['E' x 20000]}/r,
        $text =~ s/"kid":"/"kid":"@{['x' x 30000]}/r,
        $text =~ s/"nonce":"/"nonce":"@{['A' x 30000]}/r, map({
            my $member = $_;
            map { my %h = (%{ $json->decode($text) }, $member => $_);
                $json->encode(\%h) } undef, 1, -1.5, [], {}, [[]],
                JSON::PP::true, '', "\x{1f600}", '../' x 20
        } qw(alg nonce url kid jwk crit b64)));
    my @found = map { [$_, $c->post($url{newOrder}, $good, protected => $_)] }
        grep { $_ ne $text } @texts;
    all_refused('protected headers', @found);
}

# The right type in the wrong place, in payloads that are well signed.
sub payloads {
    my @values = (undef, JSON::PP::true, 0, -1, 1.5, '', 'x', [], {}, [[]],
        [undef], [{}], { a => 1 }, "\x{0}", "\x{202e}", 'x' x 30000);
    my @list = ('[]', '{', '{}{}', "{}\0", "\xff", '{"identifiers":', '{"a":'
        x 20 . '1' . '}' x 20, '{"identifiers":[],"identifiers":[]}',
        '{"identifiers":[{"type":"dns","type":"dns","value":"b.test"}]}',
        '{"identifiers":' . '[' x 1000 . ']' x 1000 . '}',
        '{"identifiers":[{"type":"dns","value":"b\u0000.test"}]}',
        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"b\xff.test\"}]}",
        '{"identifiers":[' . join(',', ('{}') x 10000) . ']}');
    for my $value (@values) {
        push @list, map { $json->encode($_) } { identifiers => $value },
            { identifiers => [$value] },
            { identifiers => [{ type => $value, value => 'b.test' }] },
            ($value // '') eq 'x' ? () # a good name
            : { identifiers => [{ type => 'dns', value => $value }] };
        push @list, map { $json->encode({ %$good, $_ => $value }) }
            qw(notBefore notAfter profile);
    }
    all_refused('payloads of newOrder',
        map { [$_, $c->post($url{newOrder}, $_)] } @list);
    all_refused('payloads of finalize',
        map { my $csr = $_; my $text = $json->encode({ csr => $csr });
            [$text, $c->post($order->{finalize}, $text)] } @values,
        map { encode_base64url($_) } "0\x80", "0\x82\xff\xff", "\0" x 10000,
            '0' x 20000, join '', map { chr int rand 256 } 1 .. 2000);
    my $other = AcmeWire->new(server => $server);
    my @bad = map { my $value = $_; map { { $_ => $value } } 'contact',
        qw(termsOfServiceAgreed onlyReturnExisting) } undef, 1, 'x', {};
    push @bad, map { { contact => [$_] } } grep { !defined || length } @values;
    all_refused('payloads of newAccount', map { my $text = $json->encode($_);
        [$text, $other->post($url{newAccount}, $text, jwk => $other->{jwk})] }
        @bad);
}

# Points that are not on their curves, keys that are no keys.
sub keys_at_random {
    my @found;
    my $octets = sub { encode_base64url(join '', map { chr int rand 256 }
        1 .. $_[0]) };
    for my $curve (['P-256', 32, 'ES256'], ['P-384', 48, 'ES384'],
        ['P-521', 66, 'ES512'])
    {
        my ($name, $size, $alg) = @$curve;
        push @found, map { [{ kty => 'EC', crv => $name,
            x => $octets->($size), y => $octets->($size) }, $alg] } 1 .. 15;
    }
    push @found, map { [{ kty => 'RSA', n => $octets->(int rand 3000),
        e => $octets->(int rand 9) }, 'RS256'] } 1 .. 5;
    push @found, map { [{ kty => 'OKP', crv => 'Ed25519',
        x => $octets->(int rand 40) }, 'EdDSA'] } 1 .. 15;
    all_refused('keys at random', map { my ($jwk, $alg) = @$_;
        [$json->encode($jwk), $c->post($url{newAccount}, {}, jwk => $jwk,
            alg => $alg)] } @found);
}

sub mutate {
    my ($text) = @_;
    for (0 .. int rand 3) {
        my $at   = int rand length $text;
        my $some = substr $text, $at, 1 + int rand 20;
        my $what = int rand 6;
        if    ($what == 0) { substr $text, $at, 1, chr int rand 256 }
        elsif ($what == 1) { substr $text, $at, length $some, '' }
        elsif ($what == 2) { substr $text, $at, 0, $some }
        elsif ($what == 3) { $text = substr $text, 0, $at }
        elsif ($what == 4) { substr $text, $at, 1, chr(1 << int rand 8)
            ^ substr $text, $at, 1 }
        else { substr $text, $at, 0, (split //, "{}[]\",:\\\0\xff\x80 ")[
            int rand 12] }
        return 'x' if !length $text;
    }
    return $text;
}

# The same three members, however written, are the same JWS.
sub is_same {
    my ($one, $other) = map { eval { $json->decode($_) } } @_;
    return ref $one eq 'HASH' && $json->encode($one) eq $json->encode($other);
}

sub mutations {
    my $body = $c->jws($url{newOrder}, $good);
    all_refused('mutations of a good JWS', map { [$_,
        $c->post_raw($url{newOrder}, $_)] } grep { !is_same($_, $body) }
        map { mutate($body) } 1 .. 250);
    my $first = $c->jws($url{newAccount}, {}, jwk => $c->{jwk});
    all_refused('mutations of a good newAccount', map { [$_,
        $c->post_raw($url{newAccount}, $_)] } grep { !is_same($_, $first) }
        map { mutate($first) } 1 .. 100);
    is($c->post_raw($url{newOrder}, $body)->{status}, 201,
        'T21 and the good JWS is still good afterwards');
}

# Mutated first and signed then; some mean the same, and some mean another good
# order.  Returns how many.
sub signed_mutations {
    my $text = $json->encode($good);
    my (@refused, $made);
    for (1 .. 90) {
        my $payload = mutate($text);
        my $res = $c->post($url{newOrder}, $payload);
        if ($res->{status} == 201) { $made++ }
        else                       { push @refused, [$payload, $res] }
    }
    for (1 .. 90) {
        my $head = mutate($json->encode({ alg => 'ES256', kid => $c->{kid},
            nonce => $c->nonce, url => $url{newOrder} }));
        my $res = $c->post($url{newOrder}, $good, protected => $head);
        if ($res->{status} == 201) { $made++ }
        else                       { push @refused, [$head, $res] }
    }
    all_refused('mutations, then signed', @refused);
    return $made || 0;
}

# What the core refuses for its headers, before any module sees it.
sub http_refused {
    my $length = 'Content-Length';
    my @headers = ([417, 'Expect: bogus'], [400, "$length: -1"],
        [400, "$length: 9e9"], [400, "$length: 5\r\n$length: 6"],
        [400, 'Transfer-Encoding: x'], [400, 'No colon'],
        [400, 'X: ' . 'x' x 9000], [400, 'Host: b.test']);
    for my $case (@headers) {
        my ($status, $header) = @$case;
        for (['POST', $url{newOrder}], ['GET', $server->{directory}]) {
            my ($method, $at) = @$_;
            my $w = $c->another(timeout => 20);
            $w->send_octets($w->compose($method, $at, headers => [$header]),
                $method);
            refused($w->response, $status, 'malformed',
                "H1 R2 $method " . substr $header, 0, 40);
        }
        my $w = $c->another(timeout => 20);
        $w->send_octets($w->compose('GET', "$server->{base}/other",
            headers => [$header]), 'GET');
        unlike($w->response->{headers}{'content-type'}[0], qr/problem/,
            '… and elsewhere the core has its own words');
    }
}

# Whoever answers to what is hardly HTTP, must live on.
sub http_garbage {
    my $line = 'x' x 9000;
    my $host = "Host: localhost\r\n";
    my @raw = ("GET /acme/$line HTTP/1.1\r\n$host\r\n",
        "GET /acme/directory HTTP/1.1\r\n${host}X: $line\r\n\r\n",
        "GET /acme/directory HTTP/1.1\r\n$host" . "X: y\r\n" x 200 . "\r\n",
        "POST $url{newOrder} HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n",
        "POST /acme/new-order HTTP/1.1\r\n${host}Content-Length: 9e9\r\n\r\n",
        "POST /acme/new-order HTTP/1.1\r\n${host}Content-Length: 5\r\n"
            . "Content-Length: 6\r\n\r\nabcdef",
        "POST /acme/new-order HTTP/1.1\r\n${host}Transfer-Encoding: x\r\n\r\n",
        "GET /acme/directory HTTP/1.1\r\n\r\n",
        "G\0T /acme/directory HTTP/1.1\r\n$host\r\n",
        "FOO /acme/directory HTTP/1.1\r\n$host\r\n",
        "GET /acme/%zz HTTP/1.1\r\n$host\r\n",
        "GET /acme/\xff\xfe HTTP/1.1\r\n$host\r\n",
        "GET /acme/%00directory HTTP/1.1\r\n$host\r\n",
        "GET /acme/../../../etc/passwd HTTP/1.1\r\n$host\r\n",
        join('', map { chr int rand 256 } 1 .. 500) . "\r\n\r\n", "\r\n" x 50);
    for my $octets (@raw) {
        my $w = $c->another(timeout => 20);
        $w->send_octets($octets, 'GET');
        shutdown $w->{socket}, 1;
        my $res = eval { $w->response };
        my $name = substr $octets =~ s/[^ -~]/?/gr, 0, 50;
        like($res ? $res->{status} : 400, qr/^4\d\d$/, "H1 '$name' gets a 4xx");
    }
}

# What the server tells of itself when it starts.
sub ownerless {
    return sql($server, 'SELECT id, kind, detail FROM events '
        . 'WHERE account_id IS NULL');
}

my $before   = tables($server);
my $own      = ownerless();
bodies();
headers();
payloads();
keys_at_random();
http_garbage();
http_refused();
my $left = tables($server);
delete $_->{events} for $before, $left;
is_deeply($left, $before, 'no trace in the database');
is(ownerless(), $own, 'but for the audit of what an account was refused');
mutations();
my $made = 1 + signed_mutations();
my $after = tables($server);
is($after->{orders} - $before->{orders}, $made, "$made good orders are there");
is($after->{accounts}, $before->{accounts}, 'and no account');
unlike($server->log, qr/exit signal/, 'no child has died');
$server->finish(qr/AH10244: invalid URI path/);
done_testing;
