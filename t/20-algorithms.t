#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 6.2: each signature algorithm gets a certificate (T06, T12, T77), and
# fits no other key.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my %clients;

# The key authorization holds the thumbprint, so a certificate says that both
# sides compute the same one (T77).
sub whole_flow {
    my ($kind, $c) = @_;
    answered($c->register, 201, "T06 $c->{alg} newAccount");
    my $pem = eval { $c->certificate($responder, 'a.test') } // '';
    like($c->verify($pem, 'a.test'), qr/OK/, "T06 T77 $c->{alg} certificate")
        or diag $@;
    my $again = AcmeWire->new(server => $server, key => $kind,
        key_file => $c->{key_file});
    $again->{jwk} = { %{ $c->{jwk} }, use => 'sig',
        alg => $c->{alg}, kid => 'mine' };
    answered($again->register, 200, "T77 $c->{alg} known with a wordier jwk");
    is($again->{kid}, $c->{kid}, 'T77 as the same account');
}

sub other_algorithms {
    my ($c) = @_;
    for my $alg (grep { $_ ne $c->{alg} } map { $_->{alg} } values %clients) {
        refused($c->post($c->{kid}, '', alg => $alg), 400, 'badPublicKey',
            "T06 a key of $c->{alg} with alg $alg");
    }
}

# T12, and what a signature must not be.
sub signatures {
    my ($c) = @_;
    my $spoil = sub {
        my ($why, $change) = @_;
        refused($c->post($c->{kid}, '', alter => sub {
            my ($jws) = @_;
            my $raw = decode_base64url($jws->{signature});
            $jws->{signature} = encode_base64url($change->($raw));
        }), 400, 'malformed', "T12 $c->{alg} $why", qr/signature/);
    };
    for my $at (0, 31, -32, -1) {
        $spoil->("a bit of octet $at", sub {
            my ($raw) = @_;
            substr($raw, $at, 1) ^= "\1";
            return $raw;
        });
    }
    $spoil->('an octet less', sub { substr $_[0], 0, -1 });
    $spoil->('an octet more', sub { "$_[0]\0" });
    $spoil->('a zero in front', sub { "\0$_[0]" });
    $spoil->('nothing', sub { '' });
    $spoil->('all zero', sub { "\0" x length $_[0] });
    $spoil->('all ones', sub { "\xff" x length $_[0] });
    $spoil->('both halves swapped', sub {
        my $half = length($_[0]) / 2;
        return substr($_[0], $half) . substr $_[0], 0, $half;
    });
    $spoil->('30 kB', sub { 'x' x 30000 });
}

for my $kind (qw(ec256 ec384 ec521 rsa2048 ed25519)) {
    $clients{$kind} = AcmeWire->new(server => $server, key => $kind);
}
is_deeply([sort map { $_->{alg} } values %clients],
    [qw(ES256 ES384 ES512 EdDSA RS256)], 'T06 all of them');
whole_flow($_, $clients{$_}) for sort keys %clients;
other_algorithms($clients{$_}) for sort keys %clients;
signatures($clients{$_}) for sort keys %clients;

# Larger RSA keys, as some clients make them.
for my $bits (3072, 4096) {
    my $file = AcmeServer::tempdir() . '/rsa.pem';
    my $c = AcmeWire->new(server => $server, key => 'rsa2048',
        key_file => AcmeClient::make_key("rsa$bits", $file));
    answered($c->register, 201, "T06 RS256 with $bits bits");
}
$server->finish;
done_testing;
