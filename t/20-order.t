#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.1.3, 7.4: orders (T44 to T54, R10, R17, R33, R36).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use POSIX qw(strftime);
use Test::More;
use Time::Local qw(timegm);

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $c      = AcmeWire->new(server => $server);
$c->register;
$responder->thumbprint($c->thumbprint);
my $new = $c->endpoints->{newOrder};

sub ids { return [map { { type => 'dns', value => $_ } } @_] }
sub ask {
    my ($names, %more) = @_;
    return $c->post($new, { identifiers => ids(@$names), %more });
}

sub names { return [sort map { $_->{value} } @{ $_[0]{identifiers} }] }

sub rfc3339 { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub seconds {
    my ($y, $m, $d, @t) = $_[0] =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z$/
        or return 0;
    return timegm($t[2], $t[1], $t[0], $d, $m - 1, $y);
}

sub create {
    my $res = ask(['b.test', 'a.test']);
    answered($res, 201, 'T45 newOrder');
    is(@{ $res->{headers}{location} }, 1, 'T45 R10 one Location');
    my $url = AcmeClient::header($res, 'location');
    my $doc = $res->{json};
    is($doc->{status}, 'pending', 'T45 pending');
    is_deeply(names($doc), ['a.test', 'b.test'], 'T45 its names');
    is(@{ $doc->{authorizations} }, 2, 'T45 R36 an authorization each');
    is($doc->{finalize}, "$url/finalize", 'T45 finalize');
    my $life = seconds($doc->{expires}) - time;
    ok($life > 6.9 * 86400 && $life <= 7 * 86400, 'T51 expires in 7 days, UTC');
    ok(!exists $doc->{$_}, "T45 no $_ yet")
        for qw(notBefore notAfter certificate error);
    my $got = $c->get($url);
    answered($got, 200, 'T52 reading it');
    is_deeply($got->{json}, $doc, 'T52 gives the same');
    is_deeply($got->{headers}{location}, [$url], 'R10 with its Location');
}

sub identifiers {
    refused($c->post($new, $_->[1]), 400, $_->[2] || 'malformed',
        "T46 $_->[0]")
        for ['no identifiers', {}], ['none', { identifiers => [] }],
        ['no array', { identifiers => 'a.test' }],
        ['an object', { identifiers => ids('a.test')->[0] }],
        ['null', { identifiers => undef }],
        ['a string in it', { identifiers => ['a.test'] }],
        ['no type', { identifiers => [{ value => 'a.test' }] }],
        ['no value', { identifiers => [{ type => 'dns' }] }],
        ['a number as value', { identifiers => [{ type => 'dns',
            value => 1 }] }],
        ['another type', { identifiers => [{ type => 'email',
            value => 'a@b' }] }, 'unsupportedIdentifier'],
        ['a type in capitals', { identifiers => [{ type => 'DNS',
            value => 'a.test' }] }, 'unsupportedIdentifier'];
    my $res = ask(['a..test', 'ok.test', '-b.test']);
    refused($res, 400, 'malformed', 'T46 two bad ones of three');
    is_deeply([map { $_->{identifier}{value} } @{ $res->{json}{subproblems} }],
        ['a..test', '-b.test'], 'T46 and which they are');
    answered(ask([map { "n$_.test" } 1 .. 100]), 201, 'T46 a hundred names');
    refused(ask([map { "n$_.test" } 1 .. 101]), 400, 'malformed',
        'T46 a hundred and one', qr/100/);
}

sub syntax {
    my $doc = ask(['B.Test', 'a.TEST', 'b.test', 'A.test'])->{json};
    is_deeply(names($doc), ['a.test', 'b.test'],
        'T47 lower case, without doubles');
    is(@{ $doc->{authorizations} }, 2, 'T47 and so are the authorizations');
    is($c->get($doc->{authorizations}[0])->{json}{identifier}{value} =~
            /^[ab]\.test$/, 1, 'T47 reflected as normalised');
    my $long = join '.', ('a' x 63) x 3, 'b' x 61;
    answered(ask([$_]), 201, 'T47 ' . substr $_, 0, 40)
        for 'a.b.c.d.e.f.test', 'a' x 63 . '.test', $long, '1.test',
        'xn--bcher-kva.test', 'a--b.test', 'a1-2.test';
    refused(ask([$_]), 400, 'malformed',
        'T47 ' . (substr $_, 0, 40) =~ s/[^ -~]/?/gr)
        for 'a.test.', '.a.test', 'a..test', '', '.', ' a.test', 'a.test ',
        'a b.test', "a\n.test", "a\0.test", 'a_b.test', '-a.test', 'a-.test',
        'a' x 64 . '.test', "${long}b", '127.0.0.1', '1.2.3', '[::1]', '::1',
        'a.test:80', 'http://a.test', 'a.test/x', 'user@a.test', 'a,b.test',
        'a%2etest', '\\.test', '"a".test', 'a.1';
    refused(ask([$_]), 400, 'malformed', "T48 $_")
        for '*', '*.*.test', 'a.*.test', '*a.test', 'a*.test', '*.', '**.test',
        '*.1.2.3.4';
    my $wild = ask(['*.a.test']);
    refused($wild, 403, 'rejectedIdentifier', 'T48 a wildcard');
    refused(ask([$_]), 400, 'malformed', 'T49 ' . s/[^ -~]/?/gr)
        for 'xn--.test', 'xn--a.test', 'xn--0.test', 'xn--a-.test',
        "b\x{fc}cher.test", "\x{4f8b}.test", 'XN--99999999999.test',
        'xn--www-.test';
}

sub wishes {
    my $now = int time;
    my ($from, $to) = (rfc3339($now + 60), rfc3339($now + 10 * 86400));
    my $doc = ask(['a.test'], notBefore => $from, notAfter => $to)->{json};
    is_deeply([@$doc{qw(notBefore notAfter)}], [$from, $to],
        'T50 wishes are kept');
    my $order = { %$doc, self => $doc->{finalize} =~ s{/finalize$}{}r };
    $order = $c->authorize($order);
    my $url = $c->finalize($order, $c->csr(['a.test']))->{json}{certificate};
    AcmeServer::write_file("$c->{dir}/x.pem", $c->get($url)->{body});
    my $dates = AcmeClient::run(qw(openssl x509 -noout -startdate -enddate
        -dateopt iso_8601 -in), "$c->{dir}/x.pem");
    is_deeply([$dates =~ /=(\S+) (\S+)/g], [map { split /T/ } $from, $to],
        'T50 exactly, in the certificate too');

    my $offset = strftime('%Y-%m-%dT%H:%M:%S+02:00', gmtime $now + 93600);
    $doc = ask(['a.test'], notAfter => $offset)->{json};
    is($doc->{notAfter}, rfc3339($now + 93600 - 7200),
        'T50 an offset is understood, and the answer is in UTC');
    for (['no date', notAfter => 'tomorrow'], ['a number', notAfter => 17],
        ['no zone', notAfter => '2027-01-01T00:00:00'],
        ['a bad month', notAfter => '2027-13-01T00:00:00Z'],
        ['the end before the start', notBefore => rfc3339($now + 3600),
            notAfter => rfc3339($now + 1800)],
        ['the end in the past', notAfter => rfc3339($now - 60)],
        ['the start two hours ago', notBefore => rfc3339($now - 7200)],
        ['beyond the policy', notAfter => rfc3339($now + 500 * 86400)],
        ['beyond the issuer', notAfter => '2099-01-01T00:00:00Z'],
        ['the year 9999', notBefore => '9999-12-31T23:59:59Z'],
        ['the start beyond any end', notBefore => rfc3339($now + 2000 * 86400)])
    {
        my ($what, %wish) = @$_;
        my $res = ask(['a.test'], %wish);
        my $type = AcmeClient::problem($res);
        refused($res, $res->{status}, $type, "T50 $what",
            qr/not(?:After|Before)/);
        like($res->{status}, qr/^40[03]$/, 'T50 with a 4xx');
    }
}

sub members {
    answered(ask(['a.test'], replaced => 'x.y', extra => { a => 1 }), 201,
        'R33 unknown members mean nothing');
    refused(ask(['a.test'], replaces => 'x.y'), 400, 'malformed',
        'R33 replaces names nothing', qr/replaces/);
    refused(ask(['a.test'], profile => 'nobody'), 400, 'invalidProfile',
        'R33 an unknown profile', qr/profile/);
    refused(ask(['a.test'], profile => 1), 400, 'malformed',
        'R33 profile is a number');
    answered(ask(['a.test'], profile => 'default'), 201, 'R33 the right one');
}

sub becomes_ready {
    my $other = AcmeWire->new(server => $server);
    $other->register;
    my $doc = $other->order('a.test', 'c.test', 'd.test')->{json};
    my @urls = @{ $doc->{authorizations} };
    for my $url (@urls) {
        my $chall = AcmeClient::challenge($other->get($url)->{json});
        $responder->put($chall->{token},
            $other->key_authorization($chall->{token}));
        is($other->get($doc->{self})->{json}{status}, 'pending',
            'T53 pending until the last is valid');
        $other->post($chall->{url}, {});
        is($other->poll($url, 'pending')->{json}{status}, 'valid', 'T53 valid');
    }
    my $ready = $other->get($doc->{self})->{json};
    is($ready->{status}, 'ready', 'T53 R16 ready with the last of them');
    delete @$ready{qw(status)};
    delete @$doc{qw(status self)};
    is_deeply($ready, $doc, 'T52 nothing else has changed');

    my $res = $other->order('c.test', 'd.test');
    answered($res, 201, 'R17 a new order for valid names');
    is($res->{json}{status}, 'ready', 'R17 is born ready');
    is(@{ $res->{json}{authorizations} }, 2, 'R36 with its authorizations');
    my $mixed = $other->order('c.test', 'e.test')->{json};
    is($mixed->{status}, 'pending', 'R17 a new name is pending');
    is(grep({ my $u = $_; grep { $u eq $_ } @urls }
        @{ $mixed->{authorizations} }), 1, 'R17 the other one is reused');
    my $valid = $other->finalize($res->{json},
        $other->csr(['c.test', 'd.test']))->{json};
    is(@{ $valid->{authorizations} }, 2, 'R36 a valid order has them too');
}

sub becomes_invalid {
    my $other = AcmeWire->new(server => $server);
    $other->register;
    my $doc = $other->order('a.test', 'b.test')->{json};
    my $chall = AcmeClient::challenge(
        $other->get($doc->{authorizations}[0])->{json});
    $responder->put($chall->{token}, 'wrong');
    $other->post($chall->{url}, {});
    $other->poll($doc->{authorizations}[0], 'pending');
    my $bad = $other->get($doc->{self});
    answered($bad, 200, 'T54 an order whose validation failed');
    is($bad->{json}{status}, 'invalid', 'T54 is invalid');
    like($bad->{json}{error}{type}, qr/:incorrectResponse$/, 'T54 and why');
    is(@{ $bad->{json}{authorizations} }, 2, 'R36 with its authorizations');
    my $gone = $other->order('d.test')->{json};
    $other->post($gone->{authorizations}[0], { status => 'deactivated' });
    my $dead = $other->get($gone->{self})->{json};
    is($dead->{status}, 'invalid', 'T54 so is one deactivated');
    ok(length $dead->{error}{detail}, 'T54 with a reason');
    my $list = $other->get("$other->{kid}/orders")->{json}{orders};
    is_deeply($list, [], 'T44 the list has no invalid orders');
}

sub list {
    my $other = AcmeWire->new(server => $server);
    $other->register;
    my $url = "$other->{kid}/orders";
    my $res = $other->get($url);
    answered($res, 200, 'T44 R35 a list');
    is_deeply($res->{json}, { orders => [] }, 'T44 of none');
    my @made = map { $other->order("n$_.test")->{json}{self} } 1 .. 120;
    my (@seen, $late, $pages);
    while ($url && $pages++ < 10) {
        $res = $other->get($url);
        answered($res, 200, 'T44 a page');
        push @seen, @{ $res->{json}{orders} };
        my @next = links($res, 'next');
        cmp_ok(@next, '<=', 1, 'T44 at most one next');
        $late //= $other->order('late.test')->{json}{self};
        $url = $next[0];
    }
    cmp_ok($pages, '>', 1, 'T44 comes in pages');
    is_deeply([sort grep { $_ ne $late } @seen], [sort @made],
        'T44 and has each order once, however many are added meanwhile');
    refused($other->get("$other->{kid}/orders?$_"), 404, 'malformed',
        "T44 no page $_")
        for 'cursor=', 'cursor=x', 'page=2', 'cursor=../x', '';
}

create();
identifiers();
syntax();
wishes();
members();
becomes_ready();
becomes_invalid();
list();
$server->finish;
done_testing;
