#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.4.1, pre-authorization, over the wire: authorize first, then orders
# are ready when they are made; what would be refused later is refused at once.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => <<'EOT')->start;
<ACMEPolicy narrow>
    ACMEPolicySAN dns allow a.test c.test wildcard:*.b.test
</ACMEPolicy>
<ACMEProfile narrow>
    ACMEProfilePolicy narrow
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile open>
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT

sub client {
    my ($profile) = @_;
    my $client = AcmeWire->new(server => $server, profile => $profile);
    answered($client->register, 201, "an account for $profile");
    return $client;
}

sub authz {
    my ($client, $name, %more) = @_;
    return $client->post($client->endpoints->{newAuthz},
        { identifier => { type => 'dns', value => $name, %more } });
}

my $client = client('narrow');
is($client->endpoints->{newAuthz}, "$server->{base}/acme/narrow/new-authz",
    'T69 T31 it is advertised');

# As Posh-ACME's New-PAAuthorization does.
my %at;
for my $name (qw(a.test c.test)) {
    my $res = authz($client, $name);
    answered($res, 201, "T69 $name");
    my $url = AcmeClient::header($res, 'location');
    like($url, qr{^\Q$server->{base}\E/acme/narrow/authz/[\w-]+$},
        "T69 $name: Location");
    is($res->{json}{status}, 'pending', "T69 $name: pending");
    is_deeply($res->{json}{identifier}, { type => 'dns', value => $name },
        "T69 $name: the identifier");
    is_deeply($client->get($url)->{json}, $res->{json}, "T69 $name: readable");
    my $chall = AcmeClient::challenge($res->{json});
    $responder->put($chall->{token},
        $client->key_authorization($chall->{token}));
    answered($client->post($chall->{url}, {}), 200, "T63 $name");
    is($client->poll($url, 'pending')->{json}{status}, 'valid',
        "T69 $name: valid");
    $at{$name} = $url;
}
my $order = $client->order('a.test', 'c.test');
answered($order, 201, 'T69 an order for both');
is($order->{json}{status}, 'ready', 'T69 R17 it is born ready');
is_deeply([sort @{ $order->{json}{authorizations} }], [sort values %at],
    'T69 R36 its authorizations are these');
my $done = $client->finalize($order->{json},
    $client->csr(['a.test', 'c.test']));
is($done->{json}{status}, 'valid', 'T69 and has its certificate');
my $pem = $client->get($done->{json}{certificate})->{body};
like($client->verify($pem, 'c.test'), qr/: OK$/, 'T69 which verifies');

# Once more is the same one.
my $again = authz($client, 'a.test');
answered($again, 201, 'T69 once more');
is(AcmeClient::header($again, 'location'), $at{'a.test'},
    'T69 the authorization that there is');
is($again->{json}{status}, 'valid', 'T69 valid');

# Refusals.
my $url = $client->endpoints->{newAuthz};
refused(authz($client, 'b.test'), 403, 'rejectedIdentifier', 'T69 a name that '
    . 'the policy does not have', qr/b\.test/);
refused(authz($client, '*.b.test'), 403, 'rejectedIdentifier',
    'T69 no wildcard, even where the policy has it', qr/wildcard/);
refused(authz($client, 'a..test'), 400, 'malformed', 'T69 no name');
refused($client->post($url, {}), 400, 'malformed', 'T69 no identifier');
refused($client->post($url, ''), 400, 'malformed', 'T69 T17 POST-as-GET');
refused($client->post($url,
        { identifier => { type => 'email', value => 'a@b.test' } }),
    400, 'unsupportedIdentifier', 'T69 T46 another type');
my $get = $client->http(GET => $url);
refused($get, 405, 'malformed', 'T69 T15 GET');
is(AcmeClient::header($get, 'allow'), 'POST', 'T15 Allow');

# Of another account, and of another profile.
my $other = client('narrow');
refused($other->get($at{'a.test'}), 404, 'malformed', 'T29 another account');
is($other->order('a.test')->{json}{status}, 'pending',
    'T69 another account has nothing of it');
is(client('open')->order('a.test')->{json}{status}, 'pending',
    'T69 another profile has nothing of it');

# Deactivated, it is of no use (T68).
answered($client->post($at{'a.test'}, { status => 'deactivated' }), 200,
    'T68 deactivated');
is($client->order('a.test')->{json}{status}, 'pending', 'T68 T69 not reused');
$server->finish;
done_testing;
