#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 9444 over the wire: control of a domain, proven by dns-01, gives
# certificates for the names below it, before an order or with one.

use strict;
use warnings;
use Digest::SHA qw(sha256);
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeServer;
use AcmeWire;
use FakeDNS;

my $dns = FakeDNS->new(names => {});
my $server = AcmeServer->new(vhost => <<"EOT")->start;
ACMEResolver @{[$dns->server]}
<ACMEProfile below>
    ACMEProfileChallenges http-01 dns-01
    ACMEProfileSubdomains on
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile each>
    ACMEProfileChallenges http-01 dns-01
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT

sub client {
    my ($profile) = @_;
    my $client = AcmeWire->new(server => $server, profile => $profile);
    answered($client->register, 201, "an account for $profile");
    return $client;
}

sub meta {
    my ($client) = @_;
    return $client->http(GET => $client->{directory})->{json}{meta};
}

# Prove it by dns-01; the authorization.
sub prove {
    my ($client, $url, $domain) = @_;
    my $authz = $client->get($url)->{json};
    my $chall = AcmeClient::challenge($authz, 'dns-01');
    my $digest = encode_base64url(
        sha256($client->key_authorization($chall->{token})));
    $dns->put("_acme-challenge.$domain", { TXT => [$digest] });
    answered($client->post($chall->{url}, {}), 200, "T63 $domain");
    return $client->poll($url, 'pending')->{json};
}

my $client = client('below');
ok(meta($client)->{subdomainAuthAllowed}, 'RFC 9444 4.4 advertised');

# Beforehand: the flow of RFC 9444, section 5.
my $res = $client->post($client->endpoints->{newAuthz}, { identifier =>
    { type => 'dns', value => 'example.test',
        subdomainAuthAllowed => JSON::PP::true } });
answered($res, 201, 'RFC 9444 4.2 newAuthz');
ok($res->{json}{subdomainAuthAllowed}, 'RFC 9444 4.1 the flag');
is_deeply([map { $_->{type} } @{ $res->{json}{challenges} }], ['dns-01'],
    'RFC 9444 only dns-01 proves it');
my $url = AcmeClient::header($res, 'location');
is(prove($client, $url, 'example.test')->{status}, 'valid', 'it is valid');
for my $name (qw(sub1.example.test sub2.example.test)) {
    my $order = $client->order($name);
    answered($order, 201, "RFC 9444 5 $name");
    is($order->{json}{status}, 'ready', "$name: ready");
    is_deeply($order->{json}{authorizations}, [$url],
        "$name: the authorization");
    my $done = $client->finalize($order->{json}, $client->csr([$name]));
    is($done->{json}{status}, 'valid', "$name: finalized");
    my $pem = $client->get($done->{json}{certificate})->{body};
    like($client->verify($pem, $name), qr/: OK$/, "$name: a certificate");
}

# With the order.
$res = $client->post($client->endpoints->{newOrder}, { identifiers => [
    map { { type => 'dns', value => "$_.corp.test",
        ancestorDomain => 'corp.test' } } qw(a b.c) ] });
answered($res, 201, 'RFC 9444 4.3 newOrder with ancestorDomain');
is(scalar @{ $res->{json}{authorizations} }, 1, 'one authorization for both');
my $order = { %{ $res->{json} }, self => AcmeClient::header($res, 'location') };
my $authz = prove($client, $order->{authorizations}[0], 'corp.test');
is_deeply($authz->{identifier}, { type => 'dns', value => 'corp.test' },
    'RFC 9444 4.3 for the domain above');
my $done = $client->finalize($order,
    $client->csr(['a.corp.test', 'b.c.corp.test']));
is($done->{json}{status} // $done->{body}, 'valid', 'it has its certificate');

# Where it is not allowed.
my $other = client('each');
ok(!meta($other)->{subdomainAuthAllowed}, 'RFC 9444 4.4 off by default');
$res = $other->post($other->endpoints->{newOrder}, { identifiers => [
    { type => 'dns', value => 'a.corp.test',
        ancestorDomain => 'corp.test' } ] });
answered($res, 201, 'RFC 9444 4.3 not allowed');
$authz = $other->get($res->{json}{authorizations}[0])->{json};
is($authz->{identifier}{value}, 'a.corp.test', 'then the name itself');
ok(!$authz->{subdomainAuthAllowed}, 'without the flag');

# Nobody else has anything of it.
is(client('below')->order('a.corp.test')->{json}{status}, 'pending',
    'RFC 9444 6 another account');
my ($status, $text) = $server->configure(vhost => <<'EOT')->syntax;
<ACMEProfile web>
    ACMEProfileChallenges http-01
    ACMEProfileSubdomains on
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT
isnt($status, 0, 'on without dns-01 is a mistake');
like($text, qr/ACMEProfileSubdomains on \(profile web\): only dns-01 proves/,
    'which says why');
$server->finish;
done_testing;
