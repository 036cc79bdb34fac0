#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# T41: binding and account are one transaction.  Fifty clients at once with a
# key for one account, then with one for seven; orders of a key with a daily
# limit at once, which no renewal that was asked for meets.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeServer;
use AcmeTool;
use AcmeWire;

my $server = AcmeServer->new(vhost => <<'EOT')->start;
<ACMEProfile web>
    ACMEProfileExternalAccount required
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT
my @clients
    = map { AcmeWire->new(server => $server, profile => 'web') } 1 .. 50;
my $first = $clients[0];
for my $client (@clients) {
    @$client{qw(cacert endpoints)} = ($first->cacert, $first->endpoints);
}

# All of them send what make->(client) gives, on new connections (httpd closes
# idle ones when it is busy), then all answers are read: how many there were of
# each status, and the answers.
sub at_once {
    my ($make, @from) = @_;
    my @bodies = map { [$_, $make->($_)] } @from;
    $_->detach for @from;
    $_->[0]->post_soon(@{ $_->[1] }) for @bodies;
    my @answers = map { $_->response } @from;
    my %count;
    $count{ $_->{status} }++ for @answers;
    return (\%count, @answers);
}

# What newAccount wants with this key of eab().
sub binder {
    my ($key) = @_;
    return sub {
        my ($client) = @_;
        my $url = $client->endpoints->{newAccount};
        return [$url, $client->jws($url, { externalAccountBinding =>
            binding($client, $key) }, jwk => $client->{jwk})];
    };
}

for my $max (1, 7) {
    my $key = eab($server, '--profile', 'web', '--max-accounts', $max);
    my ($count, @answers) = at_once(binder($key), @clients);
    is_deeply($count, { 201 => $max, 403 => 50 - $max },
        "fifty at once with --max-accounts $max: $max");
    is_deeply([grep { $_->{status} == 403
        && AcmeClient::problem($_) ne 'unauthorized' } @answers], [],
        'the others are refused as they should be');
    is(sql($server, "SELECT count(*) FROM accounts WHERE eab_kid = "
        . "'$key->{kid}'"), "$max\n", 'so many accounts are in the database');
    is(acmectl_json($server, 'eab', 'show', $key->{kid})->{accounts}, $max,
        'and so many are counted');
    my @kids = map { AcmeClient::header($_, 'location') // () } @answers;
    ($count, my @again) = at_once(binder($key), @clients);
    is_deeply($count, { 200 => $max, 403 => 50 - $max },
        'T33: once more: who has one has it, the others get none');
    is_deeply([map { AcmeClient::header($_, 'location') // () } @again],
        \@kids, 'the same accounts');
    last if $max > 1;
    # The one that has an account would get it again.
    @clients = map { AcmeWire->new(server => $server, profile => 'web',
        cacert => $first->cacert, endpoints => $first->endpoints) } 1 .. 50;
}

subtest 'one client, many times at once' => sub {
    my $key = eab($server, '--profile', 'web', '--max-accounts', 1);
    my $client = AcmeWire->new(server => $server, profile => 'web');
    my @lines = map { $client->another } 1 .. 20;
    my ($count) = at_once(binder($key), @lines);
    is_deeply($count, { 200 => 19, 201 => 1 }, 'one account, found 19 times');
    is(acmectl_json($server, 'eab', 'show', $key->{kid})->{accounts}, 1,
        'counted once');
};

subtest 'orders a day' => sub {
    one_day();
    my $key = eab($server, '--profile', 'web', '--max-orders-per-day', 5);
    my $client = AcmeWire->new(server => $server, profile => 'web');
    $client->register(externalAccountBinding => binding($client, $key));
    my @lines = map { $client->another } 1 .. 20;
    my ($count) = at_once(sub {
        my $url = $_[0]->endpoints->{newOrder};
        return [$url, $_[0]->jws($url, { identifiers =>
            [{ type => 'dns', value => 'a.test' }] })];
    }, @lines);
    is_deeply($count, { 201 => 5, 429 => 15 }, 'twenty at once: five');
};

subtest 'a renewal that was asked for' => sub {
    one_day();
    my $key = eab($server, '--profile', 'web', '--max-orders-per-day', 1,
        '--skip-validation', '--allow', 'a.test');
    my $client = AcmeWire->new(server => $server, profile => 'web');
    $client->register(externalAccountBinding => binding($client, $key));
    my $done = $client->finalize($client->order('a.test')->{json},
        $client->csr(['a.test']));
    AcmeServer::write_file("$server->{dir}/due.pem",
        $client->get($done->{json}{certificate})->{body});
    $client->{wish} = { replaces =>
        AcmeTool::renewal_id("$server->{dir}/due.pem") };
    refused($client->order('a.test'), 429, 'rateLimited', 'not asked for');
    acmectl_json($server, 'renew', '--name', 'a.test', '--within', '1h');
    answered($client->order('a.test'), 201, 'T25 asked for');
    delete $client->{wish};
    refused($client->order('a.test'), 429, 'rateLimited', 'T25 another order');
};

$server->finish;
done_testing;
