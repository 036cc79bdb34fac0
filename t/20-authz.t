#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.1.4, 7.1.5, 7.5: authorizations and challenges (T62 to T68, R7 to
# R9, R11, R14, R15).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $c      = AcmeWire->new(server => $server);
$c->register;

# A new order for a name; its authorization and challenge, read.
sub fresh {
    my ($client, $name) = @_;
    my $order = $client->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    my $authz = $client->get($url)->{json};
    return ($order, $url, $authz, AcmeClient::challenge($authz));
}

sub account {
    my $client = AcmeWire->new(server => $server);
    $client->register;
    return $client;
}

# How often the responder was asked for this token.
sub asked {
    my ($token) = @_;
    return scalar grep { $_->[1] =~ m{/\Q$token\E$} } $responder->requests;
}

# Members of the first JSON object that begins with this text, in their order.
sub order_of_members {
    my ($text, $start) = @_;
    $text = substr $text, index $text, $start;
    return [grep { defined } $text =~ /"(\w+)": ?(?:"[^"]*"|\d+)/g];
}

sub pending {
    my ($order, $url, $authz, $chall) = fresh($c, 'a.test');
    my $res = $c->get($url);
    answered($res, 200, 'T62 a pending authorization');
    is($authz->{status}, 'pending', 'T62 pending');
    is_deeply($authz->{identifier}, { type => 'dns', value => 'a.test' },
        'T62 its identifier');
    like($authz->{expires}, qr/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/, 'T51 expires');
    ok(!exists $authz->{wildcard}, 'R8 no wildcard member');
    is(() = $res->{body} =~ /"value"/g, 1, 'R8 one member named value');
    unlike($res->{body}, qr/"status": ?"(?:in)?valid"/,
        'R9 nothing in it is valid or invalid');
    for my $one (@{ $authz->{challenges} }) {
        is($one->{status}, 'pending', "R7 $one->{type} is pending");
        like($one->{token}, qr/^[\w-]{22,}$/, 'R7 T78 with a token');
        like($one->{url}, qr{^https://.*/chall/}, 'R7 with a URL');
        ok(!exists $one->{$_}, "R7 without $_") for qw(error validated);
    }
    is_deeply([@{ order_of_members($res->{body} =~ /"challenges": ?\[(.*)/s,
        '{') }[0 .. 3]], [qw(type url status token)],
        'R7 members in this order');

    for (1 .. 3) {
        my $read = $c->get($chall->{url});
        answered($read, 200, 'T64 R15 POST-as-GET of the challenge');
        is($read->{json}{status}, 'pending', 'T64 does not start it');
        is_deeply([links($read, 'up')], [$url], 'R11 Link up');
        is(AcmeClient::header($read, 'retry-after') // 'none', 'none',
            'R19 nothing to wait for');
    }
    is(asked($chall->{token}), 0, 'T64 nobody was asked');
    refused($c->post($chall->{url}, $_), 400, 'malformed',
        "T63 payload $_ is no response") for '[]', '"x"', '1', '{', 'null';
    is($c->get($chall->{url})->{json}{status}, 'pending', 'T63 nor a start');
    refused($c->get("$url/$_"), 404, 'malformed', "T64 no resource $_")
        for '', 'x', 'http-01';
    (my $base = $chall->{url}) =~ s{/[^/]*$}{};
    refused($c->post("$base/$_", {}), 404, 'malformed', "T63 no challenge $_")
        for '', 'dns-02', 'http', 'HTTP-01', 'a' x 300;
}

sub valid {
    my ($order, $url, $authz, $chall) = fresh($c, 'b.test');
    $responder->put($chall->{token}, $c->key_authorization($chall->{token}));
    my $res = $c->post($chall->{url}, { keyAuthorization => 'x', type => 1 });
    answered($res, 200, 'T63 a response, with members of old clients');
    like($res->{json}{status}, qr/^(?:pending|processing|valid)$/,
        'T63 started');
    is_deeply([links($res, 'up')], [$url], 'R11 T63 Link up');
    is($res->{json}{token}, $chall->{token}, 'T63 the challenge');

    my $done = $c->poll($url, 'pending');
    answered($done, 200, 'T62 a valid authorization');
    is($done->{json}{status}, 'valid', 'T62 valid');
    is_deeply([map { $_->{type} } @{ $done->{json}{challenges} }], ['http-01'],
        'T62 with the one challenge that was met');
    my $met = $done->{json}{challenges}[0];
    is($met->{status}, 'valid', 'T66 that one is valid');
    like($met->{validated}, qr/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/, 'T66 validated');
    ok(!exists $met->{error}, 'T66 without an error');
    like($done->{json}{expires}, qr/Z$/, 'T67 expires');
    is(AcmeClient::header($done, 'retry-after') // 'none', 'none',
        'R19 no Retry-After on what is final');

    my $times = asked($chall->{token});
    is($times, 1, 'T65 asked once');
    for (1 .. 3) {
        my $again = $c->post($chall->{url}, {});
        answered($again, 200, 'T65 R14 another response to a valid one');
        is_deeply($again->{json}, $met, 'T65 R14 gives it as it is');
        is_deeply([links($again, 'up')], [$url], 'R11 Link up');
    }
    is_deeply($c->get($chall->{url})->{json}, $met, 'R15 so does reading');
    is(asked($chall->{token}), $times, 'T65 and asks nobody');
    return $url;
}

sub invalid {
    my ($order, $url, $authz, $chall) = fresh($c, 'c.test');
    $responder->put($chall->{token}, "wrong\x{7}<b>" . 'x' x 1000);
    $c->post($chall->{url}, {});
    my $done = $c->poll($url, 'pending');
    is($done->{json}{status}, 'invalid', 'T66 a failed authorization');
    is_deeply([map { $_->{type} } @{ $done->{json}{challenges} }], ['http-01'],
        'T62 the failed challenge is not removed');
    my $failed = $done->{json}{challenges}[0];
    is($failed->{status}, 'invalid', 'T66 it is invalid');
    like($failed->{error}{type}, qr/:incorrectResponse$/, 'T66 T78 and why');
    like($failed->{error}{detail}, qr/c\.test/, 'T66 in words');
    unlike($failed->{error}{detail}, qr/x{65}|\x{7}/,
        'T79 not the whole body, nothing unprintable');
    ok(!exists $failed->{validated}, 'T66 never validated');
    is_deeply([@{ order_of_members($done->{body}
        =~ /"challenges": ?\[(.*)/s, '{') }[0 .. 4]],
        [qw(type url status token detail)], 'R7 error last, its detail first');
    is_deeply($c->post($chall->{url}, {})->{json}, $failed,
        'T65 an invalid challenge does not start again');
    refused($c->post($url, { status => 'deactivated' }), 400, 'malformed',
        'T68 nothing to deactivate');
}

sub slow {
    my $other = account();
    my ($order, $url, $authz, $chall) = fresh($other, 'a.test');
    $responder->put($chall->{token}, 'HANG');
    my $res = $other->post($chall->{url}, {});
    is($res->{json}{status}, 'processing', 'T63 processing');
    AcmeServer::wait_for(10, sub { asked($chall->{token}) || undef });
    for my $one ($other->get($url), $other->get($chall->{url}),
        $other->post($chall->{url}, {}))
    {
        answered($one, 200, 'T67 R14 polling');
        like(AcmeClient::header($one, 'retry-after') // '', qr/^[1-5]$/,
            'T67 R19 Retry-After in a few seconds');
    }
    is($other->get($url)->{json}{status}, 'pending', 'T62 pending meanwhile');
    unlike($other->get($url)->{body}, qr/"status": ?"(?:in)?valid"/,
        'R9 nothing in it is valid or invalid');
    is(asked($chall->{token}), 1, 'T65 R14 it was not started again');
    my $done = $other->post($url, { status => 'deactivated' });
    answered($done, 200, 'T68 deactivated while the validation runs');
    my $late = $other->get($url)->{json};
    is($late->{status}, 'deactivated', 'T68 for good');
    return $other;
}

sub deactivated {
    my ($valid) = @_;
    refused($c->post($valid, { status => $_ }), 400, 'malformed',
        "T68 status cannot be set to $_", qr/status/)
        for 'valid', 'pending', 'revoked', 'x', '', 1, [];
    refused($c->post($valid, { state => 'deactivated' }), 400, 'malformed',
        'T68 no status', qr/status/);
    is($c->get($valid)->{json}{status}, 'valid', 'T68 and nothing happened');
    my $order = $c->order('b.test')->{json};
    is($order->{status}, 'ready', 'R17 the valid authorization is used');
    my $res = $c->post($valid, { status => 'deactivated' });
    answered($res, 200, 'T68 deactivation');
    is($res->{json}{status}, 'deactivated', 'T68 says so');
    answered($c->post($valid, { status => 'deactivated' }), 200,
        'T68 once more is no mistake');
    is($c->get($order->{self})->{json}{status}, 'invalid',
        'T68 the order that depended on it is invalid');
    my $next = $c->order('b.test')->{json};
    is($next->{status}, 'pending', 'T68 it is not reused');
    isnt($next->{authorizations}[0], $valid, 'T68 by later orders');
    my (undef, $url, undef, $chall) = fresh($c, 'd.test');
    answered($c->post($url, { status => 'deactivated', x => 1 }), 200,
        'T68 a pending one');
    my $dead = $c->post($chall->{url}, {});
    answered($dead, 200, 'T65 a response comes too late');
    isnt($dead->{json}{status}, 'processing', 'T65 and starts nothing');
    is(asked($chall->{token}), 0, 'T65 nobody was asked');
}

# What depends on an authorization, and what does no longer (7.1.6).
sub dependent {
    my $other = account();
    $responder->thumbprint($other->thumbprint);
    my $issued = $other->authorize($other->order('a.test')->{json});
    my $cert = $other->finalize($issued, $other->csr(['a.test']))->{json};
    is($cert->{status}, 'valid', 'T68 an order that has its certificate');
    my @ready = map { $other->order('a.test')->{json} } 1, 2;
    my $mixed = $other->order('a.test', 'b.test')->{json};
    my $apart = $other->order('b.test')->{json};
    my $url = $ready[0]{authorizations}[0];
    is($ready[1]{authorizations}[0], $url, 'R17 two orders of one');
    $other->post($url, { status => 'deactivated' });
    for my $order (@ready, $mixed) {
        my $doc = $other->get($order->{self})->{json};
        is($doc->{status}, 'invalid', 'T68 each order of it is invalid');
        like($doc->{error}{detail}, qr/a\.test.*deactivated/, 'T54 and why');
        refused($other->finalize($order, $other->csr(['a.test'])), 403,
            'orderNotReady', 'T55 T68 it cannot be finalized',
            qr/deactivated/);
    }
    is($other->get($apart->{self})->{json}{status}, 'pending',
        'T68 another one goes on');
    is($other->get($issued->{self})->{json}{status}, 'valid',
        'T54 what was issued stays valid');
    is($other->get($cert->{certificate})->{status}, 200, 'and can be fetched');
    my $list = $other->get("$other->{kid}/orders")->{json}{orders};
    is_deeply([sort @$list], [sort $issued->{self}, $apart->{self}],
        'T44 T68 the list has these two only');
    my $foreign = account();
    refused($foreign->post($url, { status => 'deactivated' }), 404,
        'malformed', 'T29 T68 another account\'s');
    refused($foreign->get("$other->{kid}/orders"), 404, 'malformed',
        'T29 T44 another account\'s list');
    refused($other->post("$other->{kid}/orders", {}), 400, 'malformed',
        'T17 T44 a list is only read');
}

# One accepted answer is not good for another account (T81).
sub binding {
    my $other = account();
    my ($order, $url, $authz, $chall) = fresh($other, 'e.test');
    $responder->put($chall->{token}, $c->key_authorization($chall->{token}));
    $other->post($chall->{url}, {});
    my $done = $other->poll($url, 'pending')->{json};
    is($done->{status}, 'invalid', 'T81 the key authorization of another key');
    like($done->{challenges}[0]{error}{type}, qr/:incorrectResponse$/,
        'T81 is an incorrect response');
}

pending();
my $valid = valid();
invalid();
slow();
deactivated($valid);
dependent();
binding();
$server->finish;
done_testing;
