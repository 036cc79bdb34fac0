#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl db: a backup while the server is at work, everything lost, everything
# put back; what must not be put back is not. And what is over goes.

use strict;
use warnings;
use File::Path qw(remove_tree);
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $issuer = AcmeServer::tempdir() . '/corp';
AcmeClient::run("$AcmeServer::build/acmectl", 'ca', 'init', '--dir', $issuer,
    '--name', 'Corp');
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => <<"EOT")->start;
<ACMEIssuer corp>
    ACMEIssuerDirectory $issuer
</ACMEIssuer>
<ACMEProfile web>
    ACMEProfileIssuer corp
    ACMEProfileExternalAccount optional
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile web
EOT
my $state = $server->{state};
my $db = "$state/db/acme.db";
my $dir = AcmeServer::tempdir() . '/backup';
my ($code, $text, $errors);

sub ctl { return acmectl($server, @_) }

# mode, owner, group
sub facts {
    my @st = lstat $_[0];
    return @st ? sprintf('%04o %d %d', $st[2] & 07777, @st[4, 5]) : 'nothing';
}

sub everything {
    return map { chomp; s{^\./}{}r } grep { !m{/db/|/lock$} }
        `cd $state && find . -type f`;
}

my $key = eab($server, '--name', 'team a');
my $client = AcmeWire->new(server => $server);
$client->register(externalAccountBinding => binding($client, $key));
my $pem = $client->certificate($responder, 'a.test');

subtest 'migrate' => sub {
    my $said = acmectl_json($server, 'db', 'migrate');
    is($said->{schema}, $said->{schemaBefore}, 'nothing to do');
    cmp_ok($said->{schema}, '>=', 2, 'the newest schema');
};

# The older server that runs on it would end.
subtest 'an older schema stays until somebody migrates it' => sub {
    chomp(my $newest = sql($server, 'PRAGMA user_version'));
    sql($server, 'PRAGMA user_version = 2');
    for (['cert', 'list'], ['db', 'check'],
        ['cert', 'revoke', '--name', 'a.test', '--dry-run'],
        ['renew', '--all', '--dry-run'], ['eab', 'create'])
    {
        ($code, $text, $errors) = ctl(@$_);
        is($code, 1, "@$_");
        like($errors, qr/schema 2.*needs $newest: .*acmectl db migrate/, 'why');
        is(sql($server, 'PRAGMA user_version'), "2\n", 'as it was');
    }
    sql($server, "PRAGMA user_version = $newest");
};

my (%before, @files);
subtest 'backup' => sub {
    my $writer = fork // die;
    if (!$writer) {
        my $other = AcmeWire->new(server => $server);
        eval { $other->register; $other->order('b.test') for 1 .. 500 };
        POSIX::_exit(0);
    }
    sleep 1;
    ($code, $text, $errors) = ctl('db', 'backup', $dir);
    kill 'KILL', $writer;
    waitpid $writer, 0;
    is($code, 0, 'while the server is at work: 0') or diag $errors;
    @files = everything();
    %before = map { ($_ => facts("$state/$_")) } @files, 'ca', 'db',
        'db/acme.db';
    is(facts($dir), sprintf('0700 %d %d', $>, $) + 0), 'for us alone');
    my $manifest = JSON::PP->new->decode(
        AcmeServer::read_file("$dir/manifest.json"));
    my %there = map { ($_->{path} => 1) } @{ $manifest->{files} };
    is_deeply([grep { !$there{"$state/$_"} } @files], [],
        'all files of the state directory');
    ok($there{"$state/ca/eab.key"}, 'the key file for secrets, too');
    ok($there{"$issuer/1.key"}, 'and those of other issuers');
    is(`find $dir -type f -perm /077`, '', 'all for us alone');
    is(`sqlite3 $dir/database 'PRAGMA integrity_check'`, "ok\n",
        'the database is whole');
    is_deeply([glob "$db.backup*"], [], 'nothing is left beside the database');
    ($code) = acmectl($server, '--config', "$dir/config.json", 'account',
        'list');
    is($code, 0, 'its configuration is one');
    my $event = acmectl_json($server, 'audit', 'list', '--kind', 'db')->[0];
    is($event->{event}, 'db.backup', 'the audit trail has it');
    is($event->{detail}{directory}, $dir, 'and where it is');
    ($code, $text, $errors) = ctl('db', 'backup', $dir);
    is($code, 1, 'into the same directory: 1');
    like($errors, qr/is not empty/, 'and it says why');
};

subtest 'while the database is there' => sub {
    ($code, $text, $errors) = ctl('db', 'restore', $dir);
    is($code, 4, 'restore: 4');
    like($errors, qr/acme\.db: is there, and a database is never overwritten/,
        'and it says so');
    is(facts("$state/ca/root.key"), $before{'ca/root.key'},
        'nothing has changed');
};

$server->stop;
rename $state, "$state.lost" or die $!;
rename $issuer, "$issuer.lost" or die $!;

subtest 'a backup that is no good' => sub {
    my $bad = "$dir.bad";
    system('cp', '-a', $dir, $bad);
    open my $fh, '>>', "$bad/files$state/ca/root.key" or die $!;
    print $fh "x\n";
    close $fh;
    ($code, $text, $errors) = ctl('db', 'restore', $bad);
    is($code, 1, 'damaged: 1');
    like($errors, qr/root\.key: is damaged/, 'and it says what');
    ok(!-e $state, 'nothing was put back');
    unlink "$bad/manifest.json";
    ($code, $text, $errors) = ctl('db', 'restore', $bad);
    is($code, 1, 'not complete: 1');
    like($errors, qr/manifest\.json: is not there/, 'and it says so');
    remove_tree($bad);
};

# The manifest is right, but what it tells of does not belong together.
sub forge {
    my ($what, $file, $change) = @_;
    my $bad = "$dir.$what";
    system('cp', '-a', $dir, $bad);
    $change->("$bad/$file");
    my ($sum) = `sha256sum $bad/$file` =~ /^(\w+)/;
    my $manifest = JSON::PP->new->decode(
        AcmeServer::read_file("$bad/manifest.json"));
    for (@{ $manifest->{files} }, $manifest->{database}) {
        $_->{sha256} = $sum
            if "files$_->{path}" eq $file || $file eq 'database'
            && $_ == $manifest->{database};
    }
    AcmeServer::write_file("$bad/manifest.json",
        JSON::PP->new->encode($manifest));
    ($code, $text, $errors) = ctl('db', 'restore', $bad);
    remove_tree($bad);
}

subtest 'a backup that does not hold' => sub {
    forge('key', "files$state/ca/root.key", sub {
        system("openssl genpkey -algorithm EC -pkeyopt "
            . "ec_paramgen_curve:P-256 -out $_[0] 2>/dev/null") });
    is($code, 4, "another CA's key: 4");
    like($errors, qr/root\.key: is not the key of/, 'and it says so');
    forge('eab', "files$state/ca/eab.key", sub {
        AcmeServer::write_file($_[0], 'aabbccdd ' . '0' x 64 . "\n") });
    is($code, 4, 'another key file: 4');
    like($errors, qr/\Q$key->{kid}\E was sealed by a key that is not in/,
        'and it says so');
    forge('audit', 'database', sub {
        system('sqlite3', $_[0], 'DELETE FROM events WHERE id = 1') });
    is($code, 4, 'an event is missing: 4');
    like($errors, qr/audit trail does not hold at event 1: it is missing/,
        'and it says so');
    ok(!-e $db && !-e "$state/ca/root.key", 'nothing was put back');
    is_deeply([glob "$state/db/*"], [], 'and nothing is left');
};

subtest 'restore' => sub {
    ($code, $text, $errors) = ctl('db', 'restore', $dir);
    is($code, 0, 'restore: 0');
    is($errors, '', 'without a word');
    my %after = map { ($_ => facts("$state/$_")) } keys %before;
    is_deeply(\%after, \%before, 'owners and modes are what they were');
    is(AcmeServer::read_file("$state/$_"),
        AcmeServer::read_file("$state.lost/$_"), $_) for @files;
    is(AcmeServer::read_file("$issuer/1.key"),
        AcmeServer::read_file("$issuer.lost/1.key"), 'the other issuer');
    is_deeply([grep { /restore|wal|shm/ } glob "$state/db/*"], [],
        'nothing is left beside the database');
    $server->start;
    delete $client->{nonce};
    is($client->post($client->{kid}, '')->{status}, 200,
        'the account is there');
    like((ctl('cert', 'list'))[1], qr/dns:a\.test/, 'and its certificate');
    ok(scalar $client->certificate($responder, 'c.test'),
        'and the server goes on');
    ok(acmectl_json($server, 'audit', 'verify')->{holds},
        'the audit trail holds');
    is(acmectl_json($server, 'audit', 'list', '--kind', 'db.restore')->[0]{who},
        'acmectl:' . getpwuid($<), 'and tells of it');
    my $other = AcmeWire->new(server => $server);
    is($other->register(externalAccountBinding => binding($other, $key))
        ->{status}, 201, 'the external account key is good');
    ($code) = ctl('db', 'check');
    is($code, 0, 'db check finds nothing');
    $other->detach;
};

# As if it had been placed long ago.
sub age {
    my ($order) = @_;
    my ($id) = $order->{json}{self} =~ m{([^/]+)$};
    sql($server, "UPDATE orders SET created_at = 1000, expires_at = 2000 "
        . "WHERE id = '$id'");
    sql($server, 'UPDATE authzs SET created_at = 1000, expires_at = 2000 '
        . "WHERE instr((SELECT authz_ids FROM orders WHERE id = '$id'), id)");
    return "id = '$id'";
}

sub orders {
    return 0 + sql($server, "SELECT count(*) FROM orders WHERE $_[0]");
}

subtest 'prune' => sub {
    my $old = age($client->order('d.test'));
    my $said = acmectl_json($server, 'db', 'prune', '--dry-run');
    is($said->{orders}, 1, '--dry-run counts what is over');
    is($said->{authorizations}, 1, 'with its authorization');
    ok(orders($old), 'and lets it be');
    ok(acmectl_json($server, 'db', 'prune')->{orders}, 'prune');
    ok(!orders($old), 'it is gone');
    like((ctl('cert', 'list'))[1], qr/dns:a\.test/, 'nothing else is');
    ($code, $text) = ctl('db', 'prune');
    like($text, qr/^orders +0$/m, 'and there is no more');
    $old = age($client->order('d.test'));
    my $from = length $server->log;
    sql($server, "UPDATE jobs SET due_at = 1, ready_at = 1 "
        . "WHERE kind = 'prune'");
    $client->post($client->{kid}, '');
    ok($server->wait_log(qr/AS0311: removed .* 1 orders, 1 authoriz/, $from),
        'the server does it by itself');
    ok(!orders($old), 'indeed');
    is(sql($server, "SELECT count(*) FROM jobs WHERE kind = 'prune' AND "
        . 'due_at > 1000 AND lease_until = 0') + 0, 1, 'and will again');
    ($code) = ctl('db', 'check');
    is($code, 0, 'db check finds nothing');
};

subtest 'onto the same files' => sub {
    $server->stop;
    unlink glob "$db*";
    ($code, $text, $errors) = ctl('db', 'restore', $dir);
    is($code, 0, 'only the database was lost: 0') or diag $errors;
    unlink glob "$db*";
    AcmeServer::write_file("$db-wal", 'of another database');
    ($code, $text, $errors) = ctl('db', 'restore', $dir);
    is($code, 4, 'the log of another database: 4');
    like($errors, qr/acme\.db-wal: is there/, 'and it says so');
    unlink "$db-wal";
    AcmeServer::write_file("$state/ca/root.key", "another one\n");
    ($code, $text, $errors) = ctl('db', 'restore', $dir);
    is($code, 4, 'another key is there: 4');
    like($errors, qr{ca/root\.key: is there and is not what the backup holds},
        'and it says which');
    is(AcmeServer::read_file("$state/ca/root.key"), "another one\n",
        'it is not overwritten');
    ok(!-e $db, 'and the database was not put back');
};

$client->detach;
my @trouble = $server->trouble;
ok(!@trouble, 'nothing unexpected in the error log') or diag @trouble;
$server->stop;
for my $case (['garbage', 'is not a database'],
    ["SQLite format 3\0" . 'x' x 8192, 'is not a database|malformed']) {
    my ($octets, $want) = @$case;
    unlink "$db-wal", "$db-shm";
    AcmeServer::write_file($db, $octets);
    ($code, $text) = ctl('db', 'check');
    is($code, 4, 'db check: a file that is no database is a finding');
    like($text, qr/^damaged: \Q$db\E: .*(?:$want)/m, '… that says so');
}
done_testing;
