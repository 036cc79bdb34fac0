#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# CAA records (RFC 8659, RFC 8657, T85), where a profile wants them: looked at
# when a name is validated, and again before a certificate is signed; climbing,
# and what it means when they cannot be had.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes qw(time);

use AcmeAlpn;
use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;
use FakeDNS;

my $http = AcmeResponder->new;
my $alpn = AcmeAlpn->new;
my $dns  = FakeDNS->new;
my $uri  = 'urn:ietf:params:acme:error';
my ($server, $c);

sub caa {
    my ($tag, $value, $flags) = @_;
    return pack 'CC/a*a*', $flags // 0, $tag, $value;
}

# From now on this name has these records; undef: it does not exist.
sub has {
    my ($name, @records) = @_;
    $dns->put($name, { CAA => [@records] });
}

# Prove this name: order and challenge at the end.
sub outcome {
    my ($name, $type) = @_;
    $type //= 'http-01';
    my $order = $c->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($url)->{json}, $type);
    my $key   = $c->key_authorization($chall->{token});
    $http->put($chall->{token}, $key);
    $alpn->show($name, $key) if $type eq 'tls-alpn-01';
    $c->post($chall->{url}, {});
    my $authz = $c->poll($url, 'pending')->{json};
    return ({ %{ $c->get($order->{self})->{json} }, self => $order->{self} },
        AcmeClient::challenge($authz, $type));
}

sub allowed {
    my ($what, $name, $type) = @_;
    my ($order, $chall) = outcome($name, $type);
    is($order->{status}, 'ready', "T85 $what") or diag $chall->{error}{detail};
    return $order;
}

sub forbidden {
    my ($what, $name, $kind, $like, $type) = @_;
    my ($order, $chall) = outcome($name, $type);
    is($order->{status}, 'invalid', "T85 $what");
    is($chall->{error}{type}, "$uri:$kind", "T85 $what: $kind");
    like($chall->{error}{detail}, $like, "T85 $what: its detail");
}

sub issuers {
    allowed('no records', 'a.test');
    has('a.test', caa('issue', 'ca.corp'));
    allowed('this CA', 'a.test');
    has('a.test', caa('issue', 'other.example'), caa('issue', 'CA.Corp; x=y'));
    allowed('one of two', 'a.test');
    has('a.test', caa('issue', 'other.example'));
    forbidden('another CA', 'a.test', 'caa',
        qr/^CAA records of a\.test, for a\.test: /);
    forbidden('its detail', 'a.test', 'caa',
        qr/"other\.example" only, .*\(ca\.corp\).*Resolver: 127\.0\.0\.1\@/);
    has('a.test', caa('issue', ';'));
    forbidden('nobody', 'a.test', 'caa', qr/issue allows ";"/);
    has('a.test', caa('iodef', 'mailto:a@a.test'));
    allowed('nothing about issuing', 'a.test');
    has('a.test', caa('issue', 'ca.corp'), caa('tbs', 'x', 128));
    forbidden('critical and unknown', 'a.test', 'caa', qr/"tbs" is critical/);
    has('a.test', caa('issue', 'ca.corp'), 'x');
    forbidden('garbage', 'a.test', 'caa', qr/makes no sense/);
}

sub climbing {
    has('www.deep.test');
    has('deep.test', caa('issue', 'other.example'));
    $dns->put('www.deep.test', { A => ['127.0.0.1'] });
    forbidden('of the domain above', 'www.deep.test', 'caa',
        qr/^CAA records of deep\.test, for www\.deep\.test: /);
    $dns->put('www.deep.test',
        { A => ['127.0.0.1'], CAA => [caa('issue', 'ca.corp')] });
    allowed('its own come first', 'www.deep.test');
    $dns->put('b.test', { CNAME => 'alias.test' });
    has('alias.test', caa('issue', 'other.example'));
    forbidden('by an alias', 'b.test', 'caa', qr/^CAA records of b\.test/);
    $dns->put('b.test', 'NXDOMAIN');
}

# RFC 8657
sub parameters {
    my $with = sub { has('c.test', caa('issue', "ca.corp; $_[0]")) };
    $with->("accounturi=$c->{kid}");
    allowed('this account', 'c.test');
    $with->("accounturi=$c->{kid}x");
    forbidden('another account', 'c.test', 'caa', qr/this account \(https:/);
    $with->('validationmethods=http-01');
    allowed('this method', 'c.test');
    forbidden('another method', 'c.test', 'caa', qr/tls-alpn-01\. Resolver/,
        'tls-alpn-01');
    $with->('validationmethods=dns-01,tls-alpn-01');
    allowed('one of two methods', 'c.test', 'tls-alpn-01');
    forbidden('not by http-01', 'c.test', 'caa', qr/http-01/);
}

# What cannot be had, and an intranet's apex.
sub failures {
    my ($strict) = @_;
    my $apex = $strict ? \&forbidden : sub { allowed(@_[0, 1]) };
    $dns->put('d.test', 'SERVFAIL');
    forbidden('SERVFAIL', 'd.test', 'dns',
        qr/^CAA records of d\.test.*SERVFAIL/);
    $dns->put('d.test', 'NXDOMAIN');
    allowed('no such name, nor the apex', 'd.test');
    $dns->put('test', 'SERVFAIL');
    $apex->('SERVFAIL of the apex', 'd.test', 'dns', qr/^CAA records of test,/);
    $dns->put('x.lab.test', { A => ['127.0.0.1'] });
    $dns->put('lab.test',   'SERVFAIL');
    $apex->('SERVFAIL above what is served', 'x.lab.test', 'dns',
        qr/^CAA records of lab\.test/);
    $dns->put($_, 'NXDOMAIN') for 'test', 'lab.test', 'd.test';
}

# Again at finalize, when the authorization is old.
sub again {
    has('e.test', caa('issue', 'ca.corp'));
    my $order = allowed('for later', 'e.test');
    has('e.test', caa('issue', 'other.example'));
    my $before = grep { / e\.test CAA/ } $dns->questions;
    my $done = $c->finalize($order, $c->csr(['e.test']));
    is($done->{json}{status}, 'valid', 'T85 looked at a moment ago');
    is(scalar(grep { / e\.test CAA/ } $dns->questions), $before,
        'T85 and not again');

    has('e.test', caa('issue', 'ca.corp'));
    $order = allowed('once more', 'e.test');
    AcmeCheck::sql($server,
        'UPDATE authzs SET validated_at = validated_at - 30000');
    has('e.test', caa('issue', 'other.example'));
    $done = $c->finalize($order, $c->csr(['e.test']))->{json};
    is($done->{status}, 'invalid', 'T85 asked again after 8 hours');
    is($done->{error}{type}, "$uri:caa", 'T85 and refused');

    has('e.test', caa('issue', 'ca.corp'));
    $order = allowed('a third time', 'e.test');
    AcmeCheck::sql($server,
        'UPDATE authzs SET validated_at = validated_at - 30000');
    $done = $c->finalize($order, $c->csr(['e.test']))->{json};
    is($done->{status}, 'valid', 'T85 asked again, and still allowed');
}

# Labels whose records take a second each, and a web server that takes two and a
# half: they do so at the same time, so four seconds are enough.
sub slow {
    $dns->put($_, { A => ['127.0.0.1'], do => ['slow'] })
        for 'b.slow.test', 'slow.test';
    my $order = $c->order('b.slow.test')->{json};
    my $url   = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($url)->{json}, 'http-01');
    $http->put($chall->{token}, 'WAIT');
    my $start = time;
    $c->post($chall->{url}, {});
    AcmeServer::wait_for(10, sub { time - $start >= 2.5 ? 1 : undef });
    $http->put($chall->{token}, $c->key_authorization($chall->{token}));
    my $authz = $c->poll($url, 'pending')->{json};
    is($authz->{status}, 'valid', 'T85 slow records and a slow proof')
        or diag AcmeClient::challenge($authz, 'http-01')->{error}{detail};
    $dns->put('d.test', 'HANG');
    forbidden('silent servers', 'd.test', 'dns',
        qr/^CAA records of d\.test, for .*: no answer .* within [34]\.\d s\./);
    forbidden('the proof is good', 'd.test', 'dns',
        qr/\. Hint: the challenge itself is met;/);
    $dns->put('d.test', 'NXDOMAIN');
}

# Name servers that are away when a certificate is wanted.
sub away {
    has('e.test', caa('issue', 'ca.corp'));
    my $order = allowed('and later', 'e.test');
    AcmeCheck::sql($server,
        'UPDATE authzs SET validated_at = validated_at - 30000');
    $dns->put('e.test', 'SERVFAIL');
    my $done = $c->post($order->{finalize},
        { csr => encode_base64url($c->csr(['e.test'])) });
    is($done->{json}{status}, 'processing', 'T85 SERVFAIL at finalize');
    has('e.test', caa('issue', 'ca.corp'));
    $done = $c->poll($order->{self}, 'processing');
    is($done->{json}{status}, 'valid', 'T85 is asked for again')
        or diag $done->{body};
}

# Off by default; an address has no records.
sub off {
    my $meta = $c->http(GET => $server->{directory})->{json}{meta};
    is_deeply($meta->{caaIdentities}, ['ca.corp'], '7.1.1: caaIdentities');
    has('a.test', caa('issue', ';'));
    is($c->authorize($c->order('IP:127.0.0.1')->{json}, $http)->{status},
        'ready', 'T84 an address has none');
    $server->configure(vhost => directives())->graceful;
    $c = AcmeWire->new(server => $server);
    $c->register;
    allowed('off by default', 'a.test');
    $meta = $c->http(GET => $server->{directory})->{json}{meta};
    ok(!exists $meta->{caaIdentities}, 'and not advertised');
}

sub directives {
    return <<"EOT" . join "\n", @_;
ACMEValidationPort tls-alpn-01 $alpn->{port}
ACMEResolver @{[$dns->server]}
ACMEAuthzReuse off
ACMEValidationTimeout 4s
ACMEValidationRetry 0
ACMEFinalizeWait 0
EOT
}

my $profile = <<'EOT';
<ACMEProfile web>
    ACMEProfileCAA on
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile web
ACMECAAIdentity ca.corp
EOT

$dns->put('test', 'NXDOMAIN');
$server = AcmeServer->new(http01_port => $http->{port},
    vhost => directives($profile))->start;
$c = AcmeWire->new(server => $server);
$c->register;
issuers();
climbing();
parameters();
failures(0);
slow();
again();
away();
$server->configure(vhost => directives($profile, 'ACMECAAStrict on'))->graceful;
failures(1);
off();
$server->finish;
done_testing;
