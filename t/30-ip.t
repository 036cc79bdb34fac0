#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# IP addresses as identifiers (RFC 8738, T84), over the wire: their form, which
# challenges prove them, what the CSR must say, certificates, revocation,
# policies.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use MIME::Base64 qw(encode_base64url);
use Test::More;

use AcmeAlpn;
use AcmeCheck;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $http = AcmeResponder->new;
my $port = $http->{port};
my $six  = AcmeResponder->new(port => $port, address => '::1');
my $alpn = AcmeAlpn->new;
my ($server, $c);

sub begin {
    my ($type, @names) = @_;
    my $order = $c->order(@names)->{json};
    my $url   = $order->{authorizations}[0];
    my $authz = $c->get($url)->{json};
    return ($order, $url, AcmeClient::challenge($authz, $type), $authz);
}

sub ends {
    my ($url, $chall, $type) = @_;
    $c->post($chall->{url}, {});
    my $authz = $c->poll($url, 'pending')->{json};
    return AcmeClient::challenge($authz, $type);
}

sub leaf {
    my ($pem, @args) = @_;
    AcmeServer::write_file("$server->{dir}/leaf.pem", $pem);
    return AcmeClient::run(qw(openssl x509 -noout -in),
        "$server->{dir}/leaf.pem", @args);
}

sub forms {
    my $order = $c->order('IP:2001:DB8:0:0::1')->{json};
    is_deeply($order->{identifiers},
        [{ type => 'ip', value => '2001:db8::1' }], 'T84 as RFC 5952 has it');
    my (undef, undef, undef, $authz) = begin('http-01', 'IP:10.1.2.3');
    is_deeply($authz->{identifier}, { type => 'ip', value => '10.1.2.3' },
        'T84 the authorization has type and value');
    ok(!exists $authz->{wildcard}, 'T48 no wildcard');
    is(join(' ', map { $_->{type} } @{ $authz->{challenges} }),
        'http-01 tls-alpn-01', 'T84 no dns-01');
    for ('[::1]', 'fe80::1%lo', '10.0.0.0/8', '10.0.0.01', 'a.test',
        '::ffff:10.0.0.1', '*.0.0.1')
    {
        AcmeCheck::refused($c->order("IP:$_"), 400, 'malformed', "T84 $_",
            qr/IP/);
    }
    AcmeCheck::refused($c->order('10.0.0.1'), 400, 'malformed',
        'T84 no dns name', qr/last label is a number/);
    $order = $c->order('IP:10.0.0.1', 'a.test', 'IP:10.0.0.1')->{json};
    is_deeply($order->{identifiers}, [{ type => 'dns', value => 'a.test' },
        { type => 'ip', value => '10.0.0.1' }], 'T47 without doubles');
}

sub http01 {
    my $pem = $c->certificate($http, 'IP:127.0.0.1');
    like(leaf($pem, '-ext', 'subjectAltName'),
        qr/Name: critical\s+IP Address:127\.0\.0\.1\s*$/,
        'T84 the certificate has the address');
    like(leaf($pem, '-subject'), qr/subject=\s*$/, 'T84 and no CN');
    my ($asked) = $http->requests;
    is($asked->[0], "127.0.0.1:$port", 'T84 Host is the address');
    ok(AcmeClient::run(qw(openssl x509 -noout -checkip 127.0.0.1 -in),
        "$server->{dir}/leaf.pem") =~ /does match/, 'openssl: it matches');
    like($c->verify($pem), qr/: OK$/m, 'openssl verify');

    $pem = $c->certificate($six, 'IP:::1');
    like(leaf($pem, '-ext', 'subjectAltName'), qr/IP Address:0:0:0:0:0:0:0:1/,
        'T84 IPv6');
    ($asked) = $six->requests;
    is($asked->[0], "[::1]:$port", 'T84 Host has brackets');
    $pem = $c->certificate($http, 'IP:127.0.0.1', 'a.test');
    like(leaf($pem, '-ext', 'subjectAltName'),
        qr/DNS:a\.test, IP Address:127/, 'T84 both kinds');
    like(leaf($pem, '-subject'), qr/CN ?= ?a\.test/, 'the CN is the name');
}

sub tlsalpn01 {
    my ($order, $url, $chall) = begin('tls-alpn-01', 'IP:127.0.0.2');
    my $key = $c->key_authorization($chall->{token});
    my $server2 = AcmeAlpn->new(address => '127.0.0.2',
        port => $alpn->{port});
    $server2->show('IP:127.0.0.2', $key);
    is(ends($url, $chall, 'tls-alpn-01')->{status}, 'valid',
        'T84 tls-alpn-01');
    is($server2->server_name, '2.0.0.127.in-addr.arpa',
        'T84 SNI is the reverse name');
    for (['IP:127.0.0.3', qr/is for 127\.0\.0\.3, but/],
        ['DNS:127.0.0.1', qr/is for "127\.0\.0\.1", but/])
    {
        ($order, $url, $chall) = begin('tls-alpn-01', 'IP:127.0.0.1');
        $alpn->show($_->[0], $c->key_authorization($chall->{token}));
        my $error = ends($url, $chall, 'tls-alpn-01')->{error};
        is($error->{type}, 'urn:ietf:params:acme:error:incorrectResponse',
            "T84 a certificate with $_->[0]");
        like($error->{detail}, $_->[1], 'its detail');
    }
}

sub denied {
    my ($order, $url, $chall) = begin('http-01', 'IP:169.254.169.254');
    my $error = ends($url, $chall, 'http-01')->{error};
    is($error->{type}, 'urn:ietf:params:acme:error:connection',
        'T79 an address that is denied');
    like($error->{detail}, qr/denied by rule 169\.254\.0\.0\/16/, 'its detail');
    like($c->get($order->{self})->{json}{error}{type}, qr/:connection$/,
        'T54 the order says so');
}

sub csrs {
    my $order = $c->authorize($c->order('IP:127.0.0.1')->{json}, $http);
    my $finalize = sub { $c->finalize($order, $c->csr(@_)) };
    AcmeCheck::refused($finalize->(['IP:127.0.0.1', 'IP:127.0.0.2']), 400,
        'badCSR', 'T84 another address', qr/order has not: 127\.0\.0\.2/);
    AcmeCheck::refused($finalize->(['127.0.0.1']), 400, 'badCSR',
        'T84 as dns', qr/not a DNS name/);
    AcmeCheck::refused($finalize->(['IP:127.0.0.1'], subject => '/CN=::1'), 400,
        'badCSR', 'T84 another one as CN', qr/order has not: ::1/);
    is($finalize->(['IP:127.0.0.1'], subject => '/CN=127.0.0.1')
            ->{json}{status}, 'valid', 'T84 the same as CN is left out');
}

# T73: another account that has proven the same address.
sub revocation {
    my $pem = $c->certificate($http, 'IP:127.0.0.1');
    my $der = AcmeClient::run(qw(openssl x509 -outform DER -in), do {
        AcmeServer::write_file("$server->{dir}/leaf.pem", $pem);
        "$server->{dir}/leaf.pem";
    });
    my $other = AcmeWire->new(server => $server);
    $other->register;
    my $wish = { certificate => encode_base64url($der) };
    my $url  = $other->endpoints->{revokeCert};
    AcmeCheck::refused($other->post($url, $wish), 403, 'unauthorized',
        'T73 another account', qr/127\.0\.0\.1/);
    $other->authorize($other->order('IP:127.0.0.1')->{json}, $http);
    is($other->post($url, $wish)->{status}, 200,
        'T73 T84 an account that has proven the address revokes');
    my $list = AcmeOperator::acmectl_json($server, 'cert', 'list', '--name',
        '127.0.0.1');
    cmp_ok(scalar @$list, '>=', 1,
        'acmectl cert list --name has addresses');
}

sub policies {
    $server->configure(vhost => <<"EOT")->graceful;
@{[directives()]}
<ACMEPolicy net>
    ACMEPolicyPreset tls-server
    ACMEPolicySAN dns allow *.test
    ACMEPolicySAN ip allow 127.0.0.0/8 deny 127.0.0.9
</ACMEPolicy>
<ACMEProfile net>
    ACMEProfilePolicy net
    ACMEProfileIssuer automatic
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile dns>
    ACMEProfilePolicy net
    ACMEProfileIssuer automatic
    ACMEProfileChallenges dns-01
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile net
EOT
    $c = AcmeWire->new(server => $server);
    $c->register;
    like($c->certificate($http, 'IP:127.0.0.1'), qr/BEGIN/, 'allowed');
    AcmeCheck::refused($c->order('IP:10.0.0.1', 'a.test'), 403,
        'rejectedIdentifier', 'pki.md: not on the list',
        qr/allows ip 127\.0\.0\.0\/8 only/);
    my $res = $c->order('IP:10.0.0.1', 'IP:127.0.0.9');
    AcmeCheck::refused($res, 403, 'rejectedIdentifier', 'pki.md: two of them');
    is_deeply([map { $_->{identifier} } @{ $res->{json}{subproblems} }],
        [map { { type => 'ip', value => $_ } } '10.0.0.1', '127.0.0.9'],
        'T46 a subproblem each, with its type');
    $c->{wish} = { profile => 'dns' };
    AcmeCheck::refused($c->order('IP:127.0.0.1'), 403, 'rejectedIdentifier',
        'T84 no challenge proves it', qr/takes one of: http-01, tls-alpn-01/);
    my ($code, $text) = AcmeOperator::acmectl($server, 'policy', 'explain',
        '--profile', 'net', '--name', '10.0.0.1');
    is($code, 4, 'acmectl policy explain refuses it, too');
    like($text, qr/allows ip 127/, 'and says why');
}

sub directives {
    return <<"EOT";
ACMEValidationPort tls-alpn-01 $alpn->{port}
ACMEValidationAllow ::1
ACMEAuthzReuse off
ACMEValidationTimeout 3s
EOT
}

$server = AcmeServer->new(http01_port => $port, vhost => directives())->start;
$c = AcmeWire->new(server => $server);
$c->register;
forms();
http01();
tlsalpn01();
denied();
csrs();
revocation();
policies();
$server->finish;
done_testing;
