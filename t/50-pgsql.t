#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A fleet: two httpd with one PostgreSQL behind one base URL.  The database is
# away at the start and restarts while clients are at work, children are killed:
# each flow ends well, no child dies of it, the audit trail holds.  (A crash of
# the database may lose what is relaxed, an attempt to validate, so a client
# would have to begin anew.)

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use AcmeCheck;
use AcmeFlows;
use AcmeOperator qw(acmectl acmectl_json);
use AcmePostgres;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

skip_file('no PostgreSQL is here') unless AcmePostgres::is_here();

my $secret = 'correct-horse-battery';
my $postgres  = AcmePostgres->new;
my $conninfo  = $postgres->conninfo . " password=$secret";
my $responder = AcmeResponder->new;

sub server {
    my ($base, %o) = @_;
    my $server = AcmeServer->new(http01_port => $responder->{port},
        postgres => $postgres, %o);
    $server->{base} = $base // $server->{base};
    return $server->configure(vhost => AcmeFlows->vhost
        . "ACMEBaseURL $server->{base}\nACMEDatabase pgsql \"$conninfo\"\n");
}

sub mistakes {
    my ($server) = @_;
    for (["host=/x password=$secret oops" => qr/keyword=value/],
        ["postgresql://acme:$secret\@db/acme" => qr/URLs are not taken/],
        ["passwort=$secret" => qr/no keyword passwort/],
        ["dbname=acme password='$secret" => qr/does not end/])
    {
        my ($text, $says) = @$_;
        $server->configure(vhost => "ACMEDatabase pgsql \"$text\"\n");
        my ($status, $said) = $server->syntax;
        isnt($status, 0, "httpd -t refuses a conninfo: $says");
        like($said, qr/ACMEDatabase pgsql: .*$says/, 'says why');
        unlike($said, qr/\Q$secret/, 'and not the password');
    }
}

mistakes(AcmeServer->new);

# Away at the start.
$postgres->stop;
my $first = server();
$first->start;
my $c = AcmeWire->new(server => $first);
my $start = time;
refused($c->register, 503, 'serverInternal', 'no database at the start: 503');
cmp_ok(time - $start, '<', 8, 'in time');
ok($first->wait_log(qr/:crit\].*AS0250.*pgsql host=\S+ user=acme/),
    'no database at the start: a critical line');
$postgres->start;
ok(AcmeServer::wait_for(10, sub {
    $c->register->{status} == 201 ? 1 : undef }),
    'the service is back without a restart');

my $pem = $c->certificate($responder, 'a.test', 'b.test');
like($c->verify($pem, 'a.test'), qr/: OK$/, 'openssl verifies a certificate');

# Its twin, with the same CA.
my $second = server($first->{base});
system('cp', '-a', $first->{state}, $second->{state}) == 0 or die;
$second->start;
my $other = AcmeWire->new(server => $second);
is($other->http('GET', $second->{directory})->{json}{newOrder},
    $c->endpoints->{newOrder}, 'a fleet has one base URL');
is($c->another(server => $second, sturdy => 10)->get($c->{kid})->{status}, 200,
    "an account of the one is the other's, too");

sub children_kill {
    for my $server ($first, $second) {
        my @pids = $server->children;
        kill 'KILL', $pids[rand @pids] if @pids;
    }
}

my @flows = map { AcmeFlows->new(server => $_, responder => $responder,
    workers => 4, sturdy => 30)->start } $first, $second;
sub flowed {
    my ($count) = @_;
    return AcmeServer::wait_for(20, sub {
        $flows[0]->count + $flows[1]->count >= $count ? 1 : undef });
}
ok(flowed(8), 'flows run');
$postgres->restart('INT');
ok(flowed(16), 'the server of the database was restarted');
children_kill();
ok(flowed(24), 'children were killed');
$postgres->restart('INT');
children_kill();
ok(flowed(32), 'both at once');
AcmeServer::write_file("$_->{dir}/stop", '') for @flows;
$flows[$_]->check("fleet, $_", 3) for 0, 1;

# Somebody migrated it for a newer module.
my $version = $postgres->sql('SELECT version FROM acme_schema');
$postgres->sql('UPDATE acme_schema SET version = version + 1');
refused($c->order('a.test'), 503, 'serverInternal', 'a newer schema: 503');
ok($first->wait_log(qr/AS0250.*made by a newer mod_acme_server/), 'says so');
$postgres->sql("UPDATE acme_schema SET version = $version");
ok(AcmeServer::wait_for(20, sub {
    $c->order('a.test')->{status} == 201 ? 1 : undef }), 'and is back');

# The operator's view.
my ($status, $text, $errors) = acmectl($first, qw(db check));
is("$status $errors", '0 ', 'acmectl db check') or diag $text;
like($text, qr/pgsql host=.*all is well/, 'says which database');
my $migrated = acmectl_json($first, qw(db migrate));
is($migrated->{schema}, $version, 'acmectl db migrate');
is(acmectl_json($first, qw(db prune --dry-run))->{orders}, 0,
    'acmectl db prune');
ok(AcmeServer::wait_for(10, sub {
    acmectl_json($first, qw(audit verify))->{waiting} ? undef : 1 }),
    'all events are chained');
is_deeply([@{ acmectl_json($first, qw(audit verify)) }{qw(broken why)}],
    [undef, undef], 'the audit trail holds');

# The database is pg_dump's.
my $dir = "$first->{dir}/backup";
($status, $text, $errors) = acmectl($first, qw(db backup), $dir);
is($status, 2, 'acmectl db backup is refused');
like($errors, qr/pg_dump -Fc "host=.*--without-database/, 'says what to do');
ok(!-e $dir, 'and makes nothing');
is(acmectl_json($first, qw(db backup --without-database), $dir)->{database},
    undef, 'keys and configuration');
$second->stop;
AcmeServer::wait_for(1, sub { undef });
system('rm', '-rf', "$first->{state}/ca");
my $restored = acmectl_json($first, '--config', "$dir/config.json",
    qw(db restore --without-database), $dir);
ok($restored->{holds} && grep({ m{/ca/} } @{ $restored->{files} }),
    'are put back and fit the database');

unlike($first->log . $second->log . $text . $errors, qr/\Q$secret/,
    'the password is nowhere');
# libpq may repeat what the server said last.
$first->finish(
    qr/AS0250|AS0251|AH1039[23]|AS0415|^FATAL:  terminating connection/);
done_testing;
