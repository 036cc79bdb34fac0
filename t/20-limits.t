#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 6.6, rate limits, over the wire: what is refused, how that is told,
# which processes count together, and that a reload forgets nothing.

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
use AcmeTool;
use AcmeWire;
use JSON::PP ();

my $limits = <<'EOT';
ACMERateLimit orders-per-account 4/1h
ACMERateLimit orders-per-name    2/2d
ACMERateLimit failures-per-name  1/1h
ACMERateLimit accounts-per-address 6/1h
ACMERateLimit pending-orders 3
EOT
my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    hosts => [map { "$_.test" } 'a' .. 'f'],
    global => $limits, vhost => 'ACMERateLimit pending-orders off')->start;

sub client {
    my $client = AcmeWire->new(server => $server);
    answered($client->register, 201, 'an account');
    return $client;
}

# A refusal by this limit.
sub limited {
    my ($res, $limit, $name) = @_;
    refused($res, 429, 'rateLimited', "T25 $name", qr/\b\Q$limit\E\b/);
    my $after = AcmeClient::header($res, 'retry-after');
    like($after, qr/^[1-9]\d*$/, "R19 $name: whole seconds");
    cmp_ok($after, '<=', 600, "R19 $name: ten minutes at most");
    my ($help) = links($res, 'help');
    like($help, qr{^\Q$server->{base}\E/acme/}, "T25 $name: a page for people");
    my $detail = $res->{json}{detail};
    like($detail, qr/ACMERateLimit \Q$limit\E/, "T25 $name: what can be done");
    return ($detail, $help);
}

my $client = client();
answered($client->order('a.test'), 201, 'T25 the first one');
answered($client->order('a.test', 'b.test'), 201, 'T25 the second one');
my ($detail, $help) = limited($client->order('a.test'), 'orders-per-name',
    'a name too often');
like($detail, qr/ for a\.test: /, 'T25 which name');
like($detail, qr{: 2/2d are possible}, 'T25 how many, in which time');
my ($from, $seconds)
    = $detail =~ /from (\d{4}-\d\d-\d\dT[\d:]+Z) on, in (\d+) s/;
ok($from, 'T25 from when on');
cmp_ok($seconds, '>', 86000, 'T25 the detail is true where Retry-After ends');

# The page must be there, whatever the client says it accepts.
for my $accept ('text/html', '*/*') {
    my $page = $client->http(GET => $help, headers => ["Accept: $accept"]);
    is($page->{status}, 200, "T25 help for $accept");
    like(AcmeClient::header($page, 'content-type'), qr{^text/html},
        'T25 it is HTML');
    like($page->{body}, qr{<code>orders-per-name</code></td><td>2/2d<},
        'T25 it has the limits');
}

# Nothing of the refused order is counted: b.test and the account have one left.
answered($client->order('b.test', 'c.test'), 201, 'T25 the third one');
answered($client->order('c.test'), 201, 'T25 the fourth one');
limited($client->order('d.test'), 'orders-per-account', 'too many orders');

# Everybody else goes on.
my $other = client();
answered($other->order('d.test'), 201, 'T25 another account');

# A reload forgets nothing.
$server->graceful;
$_->detach for $client, $other;
limited($client->order('d.test'), 'orders-per-account', 'after a reload');
limited($other->order('a.test'), 'orders-per-name', 'a name after a reload');

# Failed validations.
my $failing = client();
my $order = $failing->order('e.test');
my ($authz) = @{ $order->{json}{authorizations} };
my $url = $failing->get($authz)->{json}{challenges}[0]{url};
$failing->post($url, {});
AcmeServer::wait_for(15, sub {
    $failing->get($authz)->{json}{status} eq 'invalid' ? 1 : undef });
limited($failing->order('e.test'), 'failures-per-name', 'a failed validation');
answered(client()->order('e.test'), 201, 'T25 of another account');

# Accounts: four so far.
client() for 1 .. 2;
my $seventh = AcmeWire->new(server => $server);
($detail) = limited($seventh->register, 'accounts-per-address',
    'too many accounts');
like($detail, qr/ for 127\.0\.0\.1: /, 'T25 which address');
$seventh = AcmeWire->new(server => $server);
my $res = $seventh->register(onlyReturnExisting => JSON::PP::true());
is(AcmeClient::problem($res), 'accountDoesNotExist',
    'T34 asking for an account is not limited');

my (undef, $events) = acmectl($server, '--json', 'audit', 'list');
like($events, qr/"request\.refuse"/, 'T25 refusals are in the audit trail');
like($events, qr/"rateLimited"/,      'T25 and say what they were');

# What waits: this one's order of a.test waits, as do those for d.test.
reload($server, vhost => 'ACMERateLimit pending-orders 1');
$_->detach for $client, $other, $failing;
limited($other->order('d.test'), 'pending-orders', 'orders that wait');

# What the operator sees.
my %seen = map { $_->{limit} => $_ }
    @{ acmectl_json($server, 'limit', 'list') };
is($seen{'orders-per-name'}{value}, '2/2d', 'acmectl limit list: what holds');
is($seen{'orders-per-name'}{default}, '10000/1d', 'and what would by default');
is($seen{'pending-orders'}{value}, '1', 'of the virtual host');
my ($code, $table) = acmectl($server, 'limit', 'list');
is($code, 0, 'for people, too');
like($table, qr{^failures-per-name +1/1h +100/1h +failed}m, 'as a table');

# Never for a renewal that renewal information asked for.
reload($server, vhost => "ACMERateLimit accounts-per-address off\n"
    . "ACMERateLimit orders-per-account 1/1d");
my $due = client();
my $order_due = $due->authorize($due->order('f.test')->{json}, $responder);
my $done = $due->finalize($order_due, $due->csr(['f.test']));
AcmeServer::write_file("$server->{dir}/due.pem",
    $due->get($done->{json}{certificate})->{body});
my $id = AcmeTool::renewal_id("$server->{dir}/due.pem");
$due->{wish} = { replaces => $id };
limited($due->order('f.test'), 'orders-per-account', 'a renewal too early');
acmectl_json($server, 'renew', '--name', 'f.test', '--within', '1h');
my $renewed = $due->order('f.test');
answered($renewed, 201, 'T25 a renewal that was asked for is never limited');
is($renewed->{json}{status}, 'ready', 'T25 and goes on');
delete $due->{wish};
limited($due->order('f.test'), 'orders-per-account', 'another order');

# off: all of them.
reload($server, vhost => '', global => "$limits\nACMERateLimit off");
$_->detach for $client, $other, $failing;
answered($client->order('a.test'), 201, 'T25 off') for 1 .. 3;
$server->finish;
done_testing;
