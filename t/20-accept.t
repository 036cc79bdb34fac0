#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.4.2, 9.1: in which form a certificate is downloaded (Accept), and
# which chain (T70, T71, R18).

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

my $root  = authority('Accept Root');
my $corp  = authority('Accept CA', by => $root);
my $other = authority('Other Root');
my $cross = authority('Accept CA', same => $corp, by => $other);
my $dir   = AcmeServer::tempdir();

sub file {
    my ($name, @text) = @_;
    AcmeServer::write_file("$dir/$name", join '', @text);
    return "$dir/$name";
}

my $chain     = file('chain', $corp->{pem}, $root->{pem});
my $alternate = file('cross', $cross->{pem}, $other->{pem});
my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => <<"EOT")->start;
<ACMEIssuer corp>
    ACMEIssuerCertificate $chain
    ACMEIssuerKey $corp->{key}
    ACMEIssuerAlternate $alternate
</ACMEIssuer>
<ACMEProfile web>
    ACMEProfileIssuer corp
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT
my $client = AcmeWire->new(server => $server, profile => 'web');
$client->register;
my $order = $client->authorize($client->order('a.test')->{json}, $responder);
my $url   = $client->finalize($order, $client->csr(['a.test']))
    ->{json}{certificate};

# The certificate by POST-as-GET with this Accept header.
sub download {
    my ($accept, $from) = @_;
    $from ||= $url;
    return $client->http('POST', $from, body => $client->jws($from, ''),
        headers => ['Content-Type: application/jose+json',
            defined $accept ? "Accept: $accept" : 'Accept:']);
}

sub fine {
    my ($res, $what) = @_;
    is($res->{status}, 200, $what);
    ok(!nonce_fault($res), 'T18 with a nonce');
}

sub type { return AcmeClient::header($_[0], 'content-type') // 'none' }

my %type = (
    pem   => 'application/pem-certificate-chain',
    der   => 'application/pkix-cert',
    pkcs7 => 'application/pkcs7-mime; smime-type=certs-only',
);
my $pem = download(undef);
fine($pem, 'T70 without Accept');
is(type($pem), $type{pem}, 'T70 PEM');
my @pem = $pem->{body} =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg;
is(scalar @pem, 2, 'R18 of two certificates');

sub is_pem {
    my ($accept, $what) = @_;
    my $res = download($accept);
    is(type($res), $type{pem}, "T70 $what: PEM");
    is($res->{body}, $pem->{body}, "T70 $what: the same");
}

is_pem('*/*', 'curl\'s and Python\'s Accept');
is_pem($type{pem}, 'PEM');
is_pem('application/json', 'nothing that there is');
is_pem('text/html, image/gif, *; q=.2, */*; q=.2', 'Java\'s Accept');
is_pem("application/pkix-cert;q=0.5, $type{pem};q=0.6", 'PEM is better');
is_pem('application/pkix-cert;q=0', 'no DER');
is_pem('?', 'what cannot be read');

# The leaf, and what openssl says of a file of this body.
sub openssl {
    my ($res, @args) = @_;
    return scalar AcmeClient::run('openssl', @args, '-in',
        file('body', $res->{body}));
}

sub is_leaf {
    my ($res, $what) = @_;
    is(openssl($res, qw(x509 -inform DER)), $pem[0], "$what is the leaf");
}

for my $accept ('application/pkix-cert', 'application/PKIX-Cert; q=0.9, */*;'
    . 'q=0.1', "$type{pem};q=0.1,application/pkix-cert") {
    my $res = download($accept);
    fine($res, "7.4.2 $accept");
    is(type($res), $type{der}, 'DER');
    is_leaf($res, 'it');
    my @up = links($res, 'up');
    is(scalar @up, 1, 'with one Link rel="up"');
    like($up[0], qr{^https://}, 'R22 of https');
    my $issuer = $client->http('GET', $up[0]);
    is(openssl($issuer, qw(x509 -inform DER)), $corp->{pem},
        'to its issuer\'s certificate');
    is(scalar(links($res, 'alternate')), 1, 'T71 and one to the other chain');
}

sub pkcs7_certs {
    my ($res) = @_;
    return openssl($res, qw(pkcs7 -inform DER -print_certs))
        =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg;
}

for my $accept ('application/pkcs7-mime', 'application/pkcs7-mime; '
    . 'smime-type=certs-only', 'application/pkcs7-mime, */*;q=0.5') {
    my $res = download($accept);
    fine($res, "7.4.2 $accept");
    is(type($res), $type{pkcs7}, 'PKCS #7');
    is_deeply([pkcs7_certs($res)], \@pem, 'with the same certificates');
    is(scalar(links($res, 'up')), 0, 'which needs no Link to the issuer');
}
is(type(download('application/pkcs7-mime; smime-type=signed-data')),
    $type{pem}, 'another kind of PKCS #7 there is none');

my ($further) = links($pem, 'alternate');
is(scalar(grep { /rel="alternate"/ } @{ $pem->{headers}{link} }), 1,
    'T71 one Link line for the one further chain');
my $crossed = download(undef, $further);
fine($crossed, 'T71 the further chain');
is($crossed->{body}, $pem[0] . $cross->{pem}, 'the same leaf, another issuer');
is_deeply([links($crossed, 'alternate')], [$url], 'and a Link back');
is_deeply([pkcs7_certs(download('application/pkcs7-mime', $further))],
    [$pem[0], $cross->{pem}], 'T71 as PKCS #7');
my $der = download('application/pkix-cert', $further);
is_leaf($der, 'T71 in DER it');
is_deeply([links($der, 'alternate')], [$url], 'and a Link back');
is(openssl($client->http('GET', links($der, 'up')), qw(x509 -inform DER)),
    $cross->{pem}, 'T71 its Link rel="up" leads up this chain');
refused(download('application/pkix-cert', "$url/2"), 404, 'malformed',
    'T71 a chain that there is not');
refused($client->http('GET', $url,
    headers => ['Accept: application/pkix-cert']), 405, 'malformed',
    'T15 by GET there is none of them');

$server->finish;
done_testing;
