#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# dns-account-01 (draft-ietf-acme-dns-account-label-03) and dns-persist-01
# (draft-ietf-acme-dns-persist-02): off by default, and what they do when they
# are on.

use strict;
use warnings;
use Digest::SHA qw(sha256);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use POSIX qw(strftime);
use Test::More;

use AcmeCheck;
use AcmeClient;
use AcmeServer;
use AcmeWire;
use FakeDNS;

my $dns = FakeDNS->new(names => { 'x.test' => {} });

sub vhost {
    my ($more) = @_;
    return <<"EOT";
ACMEResolver @{[$dns->server]}
ACMEValidationTimeout 1s
<ACMEPolicy wild>
    ACMEPolicySAN dns allow **.test wildcard:*.x.test
</ACMEPolicy>
<ACMEProfile wild>
    ACMEProfilePolicy wild
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile web>
    ACMEProfileChallenges http-01
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile wild
$more
EOT
}

my $server = AcmeServer->new(vhost => vhost(''))->start;
my $c = AcmeWire->new(server => $server);
$c->register;

sub types {
    my ($authz) = @_;
    return join ' ', map { $_->{type} } @{ $authz->{challenges} };
}

sub begin {
    my ($name, $type) = @_;
    my $order = $c->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    my $authz = $c->get($url)->{json};
    return ($order, $authz, AcmeClient::challenge($authz, $type), $url);
}

# Its challenge is begun: (status of the order, the challenge).
sub outcome {
    my ($order, undef, $chall, $url) = @_;
    $c->post($chall->{url}, {});
    my $authz = $c->poll($url, 'pending')->{json};
    return ($c->get($order->{self})->{json}{status},
        AcmeClient::challenge($authz, $chall->{type}), $authz);
}

is(types((begin('a.x.test'))[1]), 'http-01 dns-01 tls-alpn-01',
    'off by default');

$server->configure(vhost => vhost("ACMEDNSAccount on\nACMEDNSPersist on"))
    ->graceful;
my $label;
my @one = begin('a.x.test', 'dns-account-01');
is(types($one[1]), 'http-01 dns-01 tls-alpn-01 dns-account-01 dns-persist-01',
    'on: all are offered');

# RFC 4648's base32 of ten octets.
my $bits = unpack 'B80', sha256($c->{kid});
$label = join '', map { substr 'abcdefghijklmnopqrstuvwxyz234567',
    oct("0b$_"), 1 } $bits =~ /(.{5})/g;
$dns->put("_$label._acme-challenge.a.x.test", { TXT => [encode_base64url(
    sha256($c->key_authorization($one[2]{token})))] });
my ($status, $chall) = outcome(@one);
is($status, 'ready', 'dns-account-01 at the account\'s own name')
    or diag $chall->{error}{detail};
@one = begin('b.x.test', 'dns-account-01');
$dns->put('_acme-challenge.b.x.test', { TXT => [encode_base64url(
    sha256($c->key_authorization($one[2]{token})))] });
($status, $chall) = outcome(@one);
is($status, 'invalid', 'and at no other');
like($chall->{error}{detail}, qr/^TXT record of _$label\._acme-challenge\.b\.x/,
    'which the detail says');

# What a record of dns-persist-01 names: of this domain, or of all.
sub hashed {
    my ($name, $client) = @_;
    return "$server->{base}/acme/account-hash/sha-256/" . encode_base64url(
        sha256(pack 'C/a* a* a*', $name, $client->thumbprint, $client->{kid}));
}

my $meta = $c->http(GET => $server->{directory})->{json}{meta};
is($meta->{accountHashPrefix}, "$server->{base}/acme/account-hash/",
    'dns-persist-01: the directory has the prefix');
is_deeply($meta->{issuerDomainNames}, ['localhost'], 'and the CA\'s name');
@one = begin('p.x.test', 'dns-persist-01');
is_deeply($one[2]{issuerDomainNames}, ['localhost'], 'so has the challenge');
ok(!exists $one[2]{accounturi}, 'but no URL that is not wanted');
my $hash = hashed('p.x.test', $c);
my $until = time + 1000;
$dns->put('_validation-persist.p.x.test', { TXT => ['other.example; x=y',
    ['localhost;', " accounturi=$hash; persistUntil=$until"]] });
($status, $chall, my $authz) = outcome(@one);
is($status, 'ready', 'a record that stays') or diag $chall->{error}{detail};
is($chall->{status}, 'valid', 'makes it valid');
is($authz->{expires}, strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $until),
    'until the time that it says');
$dns->put('_validation-persist.q.x.test',
    { TXT => ['localhost; accounturi=' . hashed('*', $c)] });
is((outcome(begin('q.x.test', 'dns-persist-01')))[0], 'ready',
    'one for all names of an account');
is((begin('q.x.test'))[0]{status}, 'ready', 'which is relied on again');

# All at once.
my %record = (
    'theirs.x.test' => ["localhost; accounturi=$hash", 'unauthorized',
        qr/another account/],
    'url.x.test' => ["localhost; accounturi=$c->{kid}", 'malformed',
        qr/is no hash that begins with/],
    'late.x.test' => [
        'localhost; persistUntil=1000000000; accounturi='
            . hashed('late.x.test', $c),
        'unauthorized', qr/good until 2001-09-09T01:46:40Z/],
    'bad.x.test' => ['localhost; accounturi', 'malformed', qr/without "="/],
    'other.x.test' => ["elsewhere.test; accounturi=$hash", 'unauthorized',
        qr/none of them begins/],
    '*.x.test' => ['localhost; accounturi=' . hashed('x.test', $c),
        'unauthorized',
        qr/policy=wildcard/],
);
for (sort keys %record) {
    my ($value, $type, $like) = @{ $record{$_} };
    $dns->put('_validation-persist.' . s/^\*\.//r, { TXT => [$value] });
    ($status, $chall) = outcome(begin($_, 'dns-persist-01'));
    is($status, 'invalid', "dns-persist-01 $_");
    is($chall->{error}{type}, "urn:ietf:params:acme:error:$type",
        "$_: $type");
    like($chall->{error}{detail}, $like, "$_: its detail");
}
$dns->put('_validation-persist.x.test',
    { TXT => ['LOCALHOST.; POLICY=Wildcard; accounturi='
        . hashed('x.test', $c)] });
@one = begin('*.x.test', 'dns-persist-01');
is(types($one[1]), 'dns-01 dns-account-01 dns-persist-01',
    'T48 a wildcard is offered all of DNS');
is((outcome(@one))[0], 'ready', 'T48 and proven by policy=wildcard');

# A record that was made with an earlier key is as good.
my $young = AcmeWire->new(server => $server);
$young->register;
$dns->put('_validation-persist.k.x.test',
    { TXT => ['localhost; accounturi=' . hashed('k.x.test', $young)] });
my $next = AcmeWire->new(server => $server);
my $url  = $young->endpoints->{keyChange};
is($young->post($url, $next->jws($url, { account => $young->{kid},
        oldKey => $young->{jwk} }, jwk => $next->{jwk}, nonce => undef))
        ->{status}, 200, 'another key');
@$young{qw(key key_file alg jwk)} = @$next{qw(key key_file alg jwk)};
sub of {
    my $mine = $c;
    $c = shift;
    my @got = outcome(begin('k.x.test', 'dns-persist-01'));
    $c = $mine;
    return @got;
}
is((of($young))[0], 'ready', 'a record of the key before');
is((of($c))[0], 'invalid', 'of that account only');

my $other = AcmeWire->new(server => $server, profile => 'web');
$other->register;
$authz = $other->get($other->order('w.test')->{json}{authorizations}[0]);
is(types($authz->{json}), 'http-01',
    'a profile that names its challenges has those');

# As clients have it that know draft 01.
$server->configure(vhost => vhost('ACMEDNSPersist draft-01'))->graceful;
@one = begin('o.x.test', 'dns-persist-01');
is($one[2]{accounturi}, $c->{kid}, 'draft 01: the account\'s URL');
is_deeply($one[2]{'issuer-domain-names'}, ['localhost'], 'and the CA\'s name');
$dns->put('_validation-persist.o.x.test',
    { TXT => ["localhost; accounturi=$c->{kid}"] });
is((outcome(@one))[0], 'ready', 'is what a record has');
is((begin('o.x.test'))[0]{status}, 'pending',
    'longer than its TTL it is not relied on');
is((outcome(begin('o.x.test', 'dns-persist-01')))[0], 'ready',
    'but it serves again');
is((outcome(begin('p.x.test', 'dns-persist-01')))[0], 'ready',
    'and so do records of the newest draft');
$server->finish;
done_testing;
