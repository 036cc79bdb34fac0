#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8737: what proves a name by tls-alpn-01 and what does not (T83, R27),
# where the server lets itself be sent (T79), and that what hangs delays nobody
# (H9).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;

use AcmeAlpn;
use AcmeCheck;
use AcmeServer;
use AcmeWire;

my $alpn = AcmeAlpn->new;
my $port = $alpn->{port};
my ($server, $c);

# One more authorization for this name, and its challenge.
sub begin {
    my ($name) = @_;
    my $order = $c->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    my $authz = $c->get($url)->{json};
    return ($order, $url, AcmeClient::challenge($authz, 'tls-alpn-01'));
}

# Have it looked at: the order and the challenge.
sub outcome {
    my ($name, %o) = @_;
    my ($order, $url, $chall) = begin($name);
    my $right = $c->key_authorization($chall->{token});
    $right = $o{key}->($right) if $o{key};
    $o{show} ? $o{show}->($right) : $alpn->show($o{for} // $name, $right, %o);
    $c->post($chall->{url}, {});
    my $authz = $c->poll($url, 'pending')->{json};
    return ($c->get($order->{self})->{json},
        AcmeClient::challenge($authz, 'tls-alpn-01'));
}

sub proven {
    my ($what, $name, %o) = @_;
    my ($order, $chall) = outcome($name, %o);
    is("$order->{status} $chall->{status}", 'ready valid', $what)
        or diag $chall->{error}{detail}, $alpn->said;
}

sub refuted {
    my ($what, $type, $like, $name, %o) = @_;
    my ($order, $chall) = outcome($name, %o);
    my $error = $chall->{error} // {};
    is("$order->{status} $chall->{status}", 'invalid invalid', $what);
    is($error->{type}, "urn:ietf:params:acme:error:$type", "$what: $type");
    like($error->{detail}, $like, "$what: its detail");
    return $error->{detail};
}

sub offered {
    my $authz = $c->get($c->order('a.test')->{json}{authorizations}[0])->{json};
    is(join(' ', map { $_->{type} } @{ $authz->{challenges} }),
        'http-01 dns-01 tls-alpn-01', 'R27 offered by default, http-01 first');
}

sub right {
    proven('T83 the right certificate', 'a.test');
    is($alpn->server_name, 'a.test', 'T83 SNI');
    proven('T83 case does not matter', 'a.test', for => 'A.TEST');
    proven('T83 TLS 1.2', 'a.test', server => ['-tls1_2']);
    proven('R26 IPv6 refused, IPv4 answers', 'six.test');
}

sub wrong {
    my $bad = 'incorrectResponse';
    my $detail = refuted('T83 two names', $bad, qr/"a\.test", "b\.test"/,
        'a.test', san => 'DNS:a.test,DNS:b.test');
    like($detail, qr{^acme-tls/1 of a\.test: 127\.0\.0\.1 port $port: its cert},
        'the detail says where');
    like($detail, qr/Resolver of a\.test: ACMEResolverHost\. Hint: /,
        'the detail has resolver and hint');
    refuted('T83 a name and an address', $bad, qr/"a\.test", 127\.0\.0\.1/,
        'a.test', san => 'DNS:a.test,IP:127.0.0.1');
    refuted('T83 another name', $bad, qr/is for "b\.test"/, 'a.test',
        for => 'b.test');
    refuted('T83 no name', $bad, qr/no subjectAltName/, 'a.test', san => undef);
    refuted('T83 not critical', $bad, qr/not critical/, 'a.test',
        critical => 0);
    refuted('T83 another digest', $bad, qr/another key authorization/,
        'a.test', key => sub { "$_[0]x" });
    refuted('T83 no digest', $bad, qr/no acmeIdentifier/, 'a.test',
        key => sub { undef });
    refuted('T83 what drafts had', $bad, qr/follows a draft/, 'a.test',
        oid => '1.3.6.1.5.5.7.1.30.1');
    refuted('T83 not self-signed', $bad, qr/not self-signed/, 'a.test',
        ca => 1);
}

sub handshakes {
    refuted('T83 no ALPN', 'unauthorized', qr/does not know "acme-tls\/1"/,
        'a.test', alpn => undef);
    refuted('T83 another protocol', 'tls', qr/refuses the protocol/, 'a.test',
        alpn => 'http/1.1');
    refuted('T83 TLS 1.1', 'tls', qr/handshake failed: .*version/, 'a.test',
        server => ['-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0']);
    $alpn->stop;
    my @none = (show => sub { });
    refuted('T83 nobody listens', 'connection', qr/connection refused/,
        'a.test', @none);
    refuted('T79 metadata service', 'connection',
        qr/169\.254\.169\.254 port $port: denied by rule 169\.254\.0\.0/,
        'meta.test', @none);
}

# H9: challenges that hang, and others meanwhile.
sub hanging {
    my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.9',
        LocalPort => $port, Listen => 64, ReuseAddr => 1) or die $!;
    my @hanging = map { [begin('hole.test')] } 1 .. 10;
    $c->post($_->[2]{url}, {}) for @hanging;
    proven('H9 another is proven', 'a.test');
    is_deeply([map { $c->get($_->[1])->{json}{status} } @hanging],
        [('pending') x 10], 'H9 before those that hang');
    my %types;
    for (@hanging) {
        my $authz = $c->poll($_->[1], 'pending')->{json};
        my $error = AcmeClient::challenge($authz, 'tls-alpn-01')->{error};
        $types{ $error->{type} }++;
    }
    is_deeply(\%types, { 'urn:ietf:params:acme:error:tls' => 10 },
        'T83 what hung');
    timed_out($server, 3, 'R20 decided when the time is over');
}

my $vhost = <<"EOT";
ACMEValidationPort tls-alpn-01 $port
ACMEResolverHost six.test ::1 127.0.0.1
ACMEResolverHost hole.test 127.0.0.9
ACMEResolverHost meta.test 169.254.169.254
ACMEValidationAllow ::1
ACMEAuthzReuse off
ACMEValidationTimeout 3s
EOT
$server = AcmeServer->new(vhost => $vhost)->start;
$c = AcmeWire->new(server => $server);
$c->register;
offered();
right();
wrong();
handshakes();
$server->configure(vhost => "${vhost}ACMEValidationWait 0\n")->graceful;
hanging();
$server->finish;
done_testing;
