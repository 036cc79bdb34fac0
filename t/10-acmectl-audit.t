#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl audit against a running server: what happened, that the chain of
# hashes holds, that it does not when somebody was at it.

use strict;
use warnings;
use Digest::SHA ();
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

# The log is a shell here.
skip_file('ThreadSanitizer bears no shell')
    if (AcmeSanitizer::is_here() // '') eq 'thread';

my $responder = AcmeResponder->new;
my $log = AcmeServer::tempdir() . '/log';
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => <<"EOT")->start;
ACMEAuditLog "|\$exec cat >>$log"
<ACMEProfile web>
    ACMEProfileExternalAccount optional
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile web
EOT
my ($code, $text, $errors);

sub ctl  { return acmectl($server, @_) }
sub list { return acmectl_json($server, 'audit', 'list', @_) }

my $key = eab($server, '--name', "team \"a\"");
my $client = AcmeWire->new(server => $server);
$client->register(externalAccountBinding => binding($client, $key));
my ($account) = $client->{kid} =~ m{([^/]+)$};
$client->certificate($responder, 'a.test');
my $other = AcmeWire->new(server => $server);
$other->register;

# The chain is computed in the background, in batches.
sub chained {
    my ($seconds) = @_;
    return AcmeServer::wait_for($seconds, sub {
        acmectl_json($server, 'audit', 'verify')->{waiting} ? undef : 1 });
}

subtest 'list' => sub {
    my $list = list();
    is_deeply([map { $_->{id} } @$list], [1 .. @$list],
        'all of them, oldest first');
    my ($create) = grep { $_->{event} eq 'eab.create' } @$list;
    is($create->{externalAccountKey}, $key->{kid}, 'what acmectl did');
    is($create->{who}, 'acmectl:' . getpwuid($<), 'and who it was');
    is($create->{detail}{name}, 'team "a"', 'and what it said');
    my %seen = map { ($_->{event} => 1) } @$list;
    ok($seen{$_}, "$_ is there")
        for qw(account.create order.create cert.issue);
    my $mine = list('--account', $account);
    ok(@$mine > 2 && !grep({ $_->{account} ne $account } @$mine),
        '--account: what one account did');
    is($mine->[0]{address}, '127.0.0.1', 'and from where');
    is_deeply([map { $_->{event} } @{ list('--kind', 'account') }],
        ['account.create', 'account.create'], '--kind account');
    is(scalar @{ list('--kind', 'order.create') }, 1, '--kind order.create');
    is(scalar @{ list('--kind', 'order.crea') }, 0, 'whole words only');
    ok(@{ list('--eab', $key->{kid}) } > @$mine, '--eab');
    is(list('--limit', 1)->[0]{id}, $list->[-1]{id},
        '--limit: the last ones');
    is_deeply([map { $_->{id} } @{ list('--after', 1, '--limit', 2) }],
        [2, 3], '--after: the first ones behind it');
    is(scalar @{ list('--since', '1h') }, @$list, '--since an hour ago');
    is(scalar @{ list('--since', '2001-01-01T00:00:00Z', '--limit', 3) }, 3,
        '--since a date');
    my $id = $create->{id}; # after what the server did at its start
    ($code, $text, $errors) = ctl('audit', 'list', '--after', $id - 1,
        '--limit', 2);
    like($text, qr/^$id +\S+Z +eab\.create +acmectl:/m, 'for people');
    like($errors, qr/More: --after ${\($id + 1)}/, 'and how to go on');
};

subtest 'a program that is the log' => sub {
    # From here on it is known to httpd, which alone can write to it.
    my $line = AcmeServer::wait_for(30,
        sub { (grep { /"eab\.create"/ } split /\n/,
            AcmeServer::read_file($log))[0] });
    ok($line, 'is told of what acmectl did');
    is(JSON::PP::decode_json($line || '{}')->{externalAccountKey}, $key->{kid},
        'and of what');
    is(scalar(() = AcmeServer::read_file($log) =~ /"eab\.create"/g), 1, 'once');
};

my $anchor;
subtest 'verify' => sub {
    ok(chained(60), 'the server chains what happened');
    ($code, $text) = ctl('audit', 'verify');
    is($code, 0, 'the chain holds: 0');
    like($text, qr/^holds +yes$/m, 'and it says so');
    my $said = acmectl_json($server, 'audit', 'verify');
    $anchor = $said->{anchor};
    like($anchor, qr/^\d+:[0-9a-f]{64}$/, 'an anchor to keep');
    ($code) = ctl('audit', 'verify', '--anchor', $anchor);
    is($code, 0, '--anchor: 0');
    (my $wrong = $anchor) =~ s/:..../:0000/;
    ($code, $text) = ctl('audit', 'verify', '--anchor', $wrong);
    is($code, 4, 'another hash: 4');
    like($text, qr/another hash by now/, 'and it says so');
    ($code, $text) = ctl('audit', 'verify', '--anchor', '999999:' . 'a' x 64);
    is($code, 4, 'no such event: 4');
    ($code) = ctl('audit', 'verify', '--anchor', 'x');
    is($code, 2, 'no anchor at all: 2');
};

# store_event.h has the rule.
sub hash_of {
    my ($e) = @_;
    return Digest::SHA::sha256_hex(join '', $e->{prev}, map {
        defined $e->{$_} ? length($e->{$_}) . ":$e->{$_}," : '-,'
    } qw(id at kind account_id order_id authz_id cert_id eab_kid who ip
        detail));
}

subtest 'export' => sub {
    ($code, $text) = ctl('audit', 'export');
    is($code, 0, 'audit export: 0');
    my @events = map { JSON::PP->new->utf8->decode($_) } split /\n/, $text;
    is(scalar @events, sql($server, 'SELECT count(*) FROM events') + 0,
        'every event, one a line');
    my @bad = grep { hash_of($_) ne $_->{hash} } @events;
    is(scalar @bad, 0, 'anybody can compute the hashes');
    my $prev = '0' x 64;
    my @loose = grep { my $p = $prev; $prev = $_->{hash}; $_->{prev} ne $p }
        @events;
    is(scalar @loose, 0, 'and follow the chain');
    is("$events[-1]{id}:$prev", $anchor, 'to its end');
    ($code, $text) = ctl('audit', 'export', '--after', $events[-2]{id});
    is(scalar(() = $text =~ /\n/g), 1, '--after');
    ($code) = ctl('audit', 'export', '--since', 'soon');
    is($code, 2, '--since what?: 2');
};

subtest 'somebody was at it' => sub {
    my ($first) = $anchor =~ /^(\d+)/;
    my ($id) = map { $_->{id} } @{ list('--kind', 'eab.create') };
    sql($server, "UPDATE events SET who = 'nobody' WHERE id = $id");
    ($code, $text) = ctl('audit', 'verify');
    is($code, 4, 'a row changed: 4');
    like($text, qr/^brokenAt +$id$/m, 'and which');
    sql($server, 'UPDATE events SET who = \'acmectl:' . getpwuid($<)
        . "' WHERE id = $id");
    ($code) = ctl('audit', 'verify');
    is($code, 0, 'changed back: 0');
    sql($server, 'DELETE FROM events WHERE id = 2');
    ($code, $text) = ctl('audit', 'verify');
    is($code, 4, 'a row removed: 4');
    like($text, qr/^brokenAt +2$/m, 'and which');
    sql($server, 'DELETE FROM event_chain');
    ($code, $text) = ctl('audit', 'verify');
    is($code, 4, 'the ends removed: 4');
    like($text, qr/^holds +no$/m, 'and it says so');
    ($code) = ctl('audit', 'verify', '--anchor', $anchor);
    is($code, 4, 'with --anchor, too');
};

$_->detach for $client, $other;
$server->finish;

# Nothing is ever validated or issued here, and nobody looks for jobs.
subtest 'a quiet server' => sub {
    $server = AcmeServer->new->start;
    my $quiet = AcmeWire->new(server => $server);
    $quiet->register;
    $quiet->detach;
    ok(chained(10), 'chains what a request wrote');
    sql($server, 'INSERT INTO events (id, at, kind) '
        . "SELECT max(id) + 1, max(at), 'eab.create' FROM events");
    $server->graceful;
    ok(chained(10), 'and what it finds at a start');
    $server->finish;
};
done_testing;
