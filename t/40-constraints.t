#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Name constraints about IP addresses (RFC 5280 4.2.1.10, RFC 8738): what the
# issuer's certificate does not let it sign is refused at newOrder, and again at
# finalize; openssl thinks the same of each address.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $dir  = AcmeServer::tempdir();
my $root = authority('Root');
my $ones = join ':', ('ffff') x 8;
my %ca   = (
    ranges => bound('permitted;IP:127.0.0.0/255.0.0.0',
        "permitted;IP:0:0:0:0:0:0:0:1/$ones",
        'excluded;IP:127.0.0.8/255.255.255.252'),
    four  => bound('permitted;IP:127.0.0.0/255.0.0.0'),
    less  => bound('excluded;IP:127.0.0.8/255.255.255.252',
        'excluded;IP:fd00:0:0:0:0:0:0:0/ff00:0:0:0:0:0:0:0'),
    names => bound('permitted;DNS:test'),
);
my $http = AcmeResponder->new;
my %other = map { $_ => AcmeResponder->new(address => $_,
    port => $http->{port}) } '::1', '127.0.0.12';

# An issuing CA below the root, with these constraints.
sub bound {
    return authority('Bound CA', by => $root, ext => [
        'basicConstraints = critical, CA:TRUE, pathlen:0',
        'keyUsage = critical, keyCertSign, cRLSign',
        'nameConstraints = critical, ' . join ', ', @_]);
}

sub file {
    my ($name, @pem) = @_;
    AcmeServer::write_file("$dir/$name", join '', @pem);
    return "$dir/$name";
}

# Issuers of these names, and a profile for each.
sub vhost {
    my (%how) = @_;
    return "ACMEValidationAllow ::1\n" . join '', map { <<"EOT" } sort keys %how
<ACMEIssuer $_>
$how{$_}
</ACMEIssuer>
<ACMEProfile $_>
ACMEProfileIssuer $_
ACMEProfileEnrollment acme
</ACMEProfile>
EOT
}

sub pair {
    my ($name, $ca) = @_;
    return 'ACMEIssuerCertificate '
        . file("$name.pem", $ca->{pem}, $root->{pem})
        . "\nACMEIssuerKey $ca->{key}";
}

my $server = AcmeServer->new(http01_port => $http->{port});
my ($code, $text, $errors) = acmectl($server, 'ca', 'init', '--dir',
    "$dir/lan", '--name', 'Lan', '--root-key', "$dir/lan-root.key",
    qw(--permit-dns corp.test --permit-ip 127.0.0.0/8 --permit-ip ::1/128),
    qw(--exclude-ip 127.0.0.9));
is($code, 0, 'acmectl ca init') or diag $errors;
my %how = (lan => "ACMEIssuerDirectory $dir/lan",
    map { $_ => pair($_, $ca{$_}) } keys %ca);
$server->configure(vhost => vhost(%how));
$server->start;
my %client;

sub client {
    my ($name) = @_;
    my $client = $client{$name}
        ||= AcmeWire->new(server => $server, profile => $name);
    $client->register if !$client->{kid};
    return $client;
}

sub openssl_says {
    my ($address, $top, $chain, $leaf) = @_;
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'openssl',
        'verify', '-x509_strict', '-no-CApath', '-no-CAstore', '-CAfile', $top,
        '-untrusted', $chain, '-verify_ip', $address, $leaf or die $!;
    return do { local $/; <$pipe> };
}

# The certificate is made, and good.
sub certified {
    my ($name, $address, $top) = @_;
    my $pem = client($name)->certificate($other{$address} // $http,
        "IP:$address");
    my ($leaf, @rest) = $pem =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg;
    like(openssl_says($address, $top // $root->{cert}, file('rest', @rest),
        file('leaf', $leaf)), qr/: OK$/m, "$name: $address is certified");
}

# No order is made; and openssl would not take such a certificate.
sub refused_for {
    my ($name, $address, $like) = @_;
    my $res = client($name)->order("IP:$address");
    refused($res, 403, 'rejectedIdentifier', "$name: $address", $like);
    my $leaf = authority($address, by => $ca{$name}, ext =>
        ["subjectAltName = IP:$address"]);
    like(openssl_says($address, $root->{cert}, $ca{$name}{cert},
        $leaf->{cert}), qr/(?:permitted|excluded) subtree violation/,
        "$name: $address: openssl agrees");
}

subtest 'RFC 5280 4.2.1.10: ranges of both kinds' => sub {
    certified('ranges', '127.0.0.1');
    certified('ranges', '127.0.0.12');
    certified('ranges', '::1');
    refused_for('ranges', '10.0.0.1', qr/^"10\.0\.0\.1" is outside of /);
    refused_for('ranges', '10.0.0.1',
        qr/"\/CN=Bound CA" permits .*: only ip:127\.0\.0\.0\/8 ip:::1\/128\)/);
    refused_for('ranges', '127.0.0.9',
        qr/^"127\.0\.0\.9" is excluded by .*: not ip:127\.0\.0\.8\/30\)/);
    refused_for('ranges', '::2', qr/outside/);
    my $res = client('ranges')->order('IP:10.0.0.1', 'IP:127.0.0.1',
        'IP:fd00::1', 'a.test');
    refused($res, 403, 'rejectedIdentifier', 'T46: two of four');
    is_deeply([map { $_->{identifier} } @{ $res->{json}{subproblems} }],
        [map { { type => 'ip', value => $_ } } '10.0.0.1', 'fd00::1'],
        'T46: a subproblem each, with its type');
};

subtest 'RFC 5280 4.2.1.10: of one kind' => sub {
    certified('four', '127.0.0.1');
    refused_for('four', '::1', qr/only ip:127\.0\.0\.0\/8\)/);
    certified('less', '127.0.0.1');
    certified('less', '::1');
    refused_for('less', '127.0.0.11', qr/not ip:127\.0\.0\.8\/30\)/);
    refused_for('less', 'fd12::1', qr/not ip:fd00::\/8\)/);
    certified('names', '127.0.0.1');
};

subtest 'as acmectl ca init makes them' => sub {
    certified('lan', $_, "$dir/lan/root.pem") for '127.0.0.1', '::1';
    refused(client('lan')->order('IP:127.0.0.9'), 403, 'rejectedIdentifier',
        'excluded', qr/not ip:127\.0\.0\.9\/32/);
    refused(client('lan')->order('IP:10.0.0.1'), 403, 'rejectedIdentifier',
        'not permitted', qr/only ip:127\.0\.0\.0\/8/);
    ($code, $text) = acmectl($server, 'policy', 'explain', '--profile', 'lan',
        '--name', '10.0.0.1');
    is($code, 4, 'acmectl policy explain refuses it, too');
    like($text, qr/only ip:127\.0\.0\.0\/8/, 'and says why');
};

subtest 'an issuer that may sign less by the time of finalize' => sub {
    my $client = client('less');
    my $order = $client->authorize($client->order('IP:127.0.0.1')->{json},
        $http);
    $_->detach for values %client;
    my $fewer = bound('excluded;IP:127.0.0.0/255.0.0.0');
    reload($server, vhost => vhost(%how, less => pair('less', $fewer)));
    my $res = $client->finalize($order, $client->csr(['IP:127.0.0.1']));
    refused($res, 403, 'rejectedIdentifier', 'T59: looked at again',
        qr/not ip:127\.0\.0\.0\/8\)/);
    is($client->get($order->{self})->{json}{status}, 'ready',
        'the order stays ready');
    $_->detach for values %client;
    reload($server, vhost => vhost(%how, less => pair('less', $ca{less})));
    $res = $client->finalize($order, $client->csr(['IP:127.0.0.1']));
    is($res->{json}{status}, 'valid', 'and is issued where it is allowed');
};

$server->finish;
done_testing;
