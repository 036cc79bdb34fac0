#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A database that is locked, read-only, gone, garbage or full: problem documents
# with 503 and Retry-After, one clear line of each child in the log, no crash,
# no hang; when it is back, so is the service, without a restart (H10).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(:flock);
use IPC::Open2 qw(open2);
use Test::More;
use Time::HiRes qw(sleep time);

use AcmeCheck;
use AcmeFlows;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

my $responder = AcmeResponder->new;
my @mounted;
my ($server, $c);

sub start {
    my (%o) = @_;
    $server = AcmeServer->new(http01_port => $responder->{port},
        vhost => AcmeFlows->vhost, %o)->start;
    $server->wait_log(qr/AS0312/) or die "no list\n"; # or its job complains
    $c = AcmeWire->new(server => $server);
    return $c->register;
}

# newOrder writes; orders are only read, and nothing keeps them for a moment, as
# it does accounts.
sub writes { return $c->order('a.test') }
sub reads  { return $c->get("$c->{kid}/orders") }

# Complaints in the error log from this offset on: at most one of each child,
# however many requests it had to refuse.
sub complains_once {
    my ($name, $from, $regex) = @_;
    my @lines = grep { /\[\w*:(?:error|crit|alert|emerg)\]/ }
        split /\n/, substr $server->log, $from;
    my %lines;
    $lines{ /\[pid (\d+)/ ? $1 : '' }++ for @lines;
    ok(@lines && !grep({ $_ > 1 } values %lines), "$name: one line in the log")
        or diag join "\n", @lines;
    # Looks for jobs and events find the same, and need not say it again.
    my @others = grep { /another process cannot write either/ } @lines;
    cmp_ok(scalar @others, '<', @lines, "$name: one says why") if @lines;
    is(grep({ /AS\d{4}.*\Q$server->{state}\E/ && $_ =~ $regex } @lines),
        @lines - @others, "$name: and names the database")
        or diag join "\n", @lines;
}

# While this lasts each answer is a 503, in time; ways: what does not work.
sub is_out {
    my ($name, %o) = @_;
    my $from = $o{from} // length $server->log;
    my $limit = $o{limit} || 8;
    for my $try (1 .. 3) {
        for my $way (@{ $o{ways} || [\&writes] }) {
            my $start = time;
            my $res = $way->();
            refused($res, 503, 'serverInternal', "$name: out of order");
            like(AcmeClient::header($res, 'retry-after') // '',
                qr/^[1-9]\d?\d?$/, "$name: Retry-After");
            cmp_ok(time - $start, '<', $limit, "$name: answered in time");
        }
    }
    complains_once($name, $from, $o{says} || qr/./);
    is($c->http('HEAD', $c->endpoints->{newNonce})->{status}, 200,
        "$name: nonces need no database");
    unlike(substr($server->log, $from), qr/exit signal/,
        "$name: no child has died");
    return $from;
}

# It works again, at once, and says so.
sub is_back {
    my ($name, $from) = @_;
    my $res;
    AcmeServer::wait_for(10, sub {
        $res = writes();
        return $res->{status} == 201 ? 1 : undef;
    });
    answered($res, 201, "$name: back without a restart");
    ok($server->wait_log(qr/AS\d{4}.*again/, $from, 5),
        "$name: the log says that too");
    my $pem = eval { $c->certificate($responder, 'b.test') } // '';
    like($c->verify($pem, 'b.test'), qr/OK/, "$name: and certificates")
        or diag $@;
    AcmeFlows::settled($server, $name);
}

sub locked {
    my $pid = open2(my $out, my $in, 'sqlite3', database($server));
    $in->autoflush;
    print $in ".timeout 5000\nBEGIN EXCLUSIVE;\nSELECT 'locked';\n";
    is(<$out>, "locked\n", 'locked: by another program');
    my $from = is_out('H10 locked', says => qr{locked}i);
    answered(reads(), 200, 'locked: reading goes on');
    print $in "ROLLBACK;\n.quit\n";
    waitpid $pid, 0;
    is_back('H10 locked', $from);

    open my $fh, '+<', database($server) . '.lock' or die $!;
    flock $fh, LOCK_EX;
    $from = is_out('lock file held', says => qr{lock file|takes too long}i);
    close $fh;
    is_back('lock file held', $from);
}

sub moved_away {
    my $file = database($server);
    my @all  = grep { !/\.lock$/ } glob "$file*";
    rename $_, "$_.away" for @all;
    my $from = is_out('moved away', ways => [\&writes, \&reads],
        says => qr{no such file|is gone}i);
    ok(!-e $file, 'moved away: no new one is made in its place');
    rename "$_.away", $_ for @all;
    is_back('moved away', $from);
}

# Not made anew by a reload either: it would know of no certificate.
sub directory_away {
    my $db = "$server->{state}/db";
    my $from = length $server->log;
    rename $db, "$db.away" or die $!;
    all_new();
    is_out('directory away', from => $from, ways => [\&writes, \&reads],
        says => qr{no such file|is gone}i);
    like(substr($server->log, $from),
        qr{AS0405.*\Q$db\E was there once.*remove \Q$db\E\.made},
        'directory away: what to do');
    ok(!-e $db, 'directory away: no new one is made in its place');
    rename "$db.away", $db or die $!;
    is_back('directory away', $from);
}

# All of it is to be forgotten.
sub anew {
    my $db = "$server->{state}/db";
    rename $db, "$db.away" or die $!;
    unlink "$db.made" or die $!;
    all_new();
    is(AcmeServer::wait_for(10, sub { eval { $c->register } }) ? 1 : 0, 1,
        'without db.made a new database is made');
    ok(-e "$db.made", 'which is marked, too');
}

sub garbage {
    my $file = database($server);
    for (['random octets', join '', map { chr int rand 256 } 1 .. 20000],
        ['nothing', ''], ['a text', "hello\n" x 3000])
    {
        my ($what, $octets) = @$_;
        my @all = grep { !/\.lock$/ } glob "$file*";
        rename $_, "$_.away" for @all;
        AcmeServer::write_file($file, $octets);
        chown((stat "$file.away")[4, 5], $file);
        my $from = length $server->log;
        all_new() if $what eq 'a text';
        is_out($what, from => $from, ways => [\&writes, \&reads]);
        is(-s $file, length $octets, "$what: is not touched");
        unlink glob "$file-wal $file-shm";
        rename "$_.away", $_ for @all;
        is_back($what, $from);
    }
}

# Children that have nothing open yet.
sub all_new {
    my @old = $server->children;
    $server->graceful;
    $c->detach;
    AcmeServer::wait_for(20, sub {
        my %now = map { $_ => 1 } $server->children;
        return grep({ $now{$_} } @old) ? undef : 1;
    });
}

# The children are not root, so permissions hold for them.
sub read_only {
    my $file = database($server);
    my ($dir) = $file =~ m{^(.*)/};
    my @all = ($dir, glob "$dir/*");
    my @was = map { [(stat)[2, 4, 5]] } @all;
    chown 0, 0, @all;
    chmod 0555, $dir;
    chmod 0444, @all[1 .. $#all];
    my $from = length $server->log;
    for (1 .. 3) {
        my $res = writes();
        like($res->{status}, qr/^(?:201|503)$/,
            'read-only: with files open the answer is clear');
    }
    my $new = length $server->log;
    all_new();
    is_out('read-only', from => $new,
        says => qr{permission|read-?only|unable|chown}i);
    chmod $was[$_][0] & 07777, $all[$_] for 0 .. $#all;
    chown @{ $was[$_] }[1, 2], $all[$_] for 0 .. $#all;
    is_back('read-only', $from);
}

sub full {
    my $state = AcmeServer::tempdir() . '/state';
    mkdir $state;
    system('mount', '-t', 'tmpfs', '-o', 'size=3m,mode=0755', 'none', $state)
        == 0 or skip_here 'no tmpfs can be mounted here', 1;
    push @mounted, $state;
    start(state => $state);
    my $filler = "$state/filler";
    open my $fh, '>', $filler or die $!;
    my $block = 'x' x 4096;
    1 while syswrite $fh, $block;
    close $fh;
    my $good = 0;
    $good++ while $good < 200 && writes()->{status} == 201;
    cmp_ok($good, '<', 200, 'full: at last nothing can be written');
    my $from = 0;
    for (1 .. 3) {
        refused(writes(), 503, 'serverInternal', 'full: out of order');
    }
    answered(reads(), 200, 'full: reading goes on');
    complains_once('full', $from, qr{full}i);
    unlink $filler;
    is_back('full', $from);
    $server->finish(qr/AS\d{4}.*full/i);
    system 'umount', $state;
    @mounted = ();
}

# Flows go on behind a database that is locked now and then.
sub stumbles {
    my $flows = AcmeFlows->new(server => $server, responder => $responder,
        workers => 3, sturdy => 40)->start;
    for (1 .. 3) {
        my $pid = open2(my $out, my $in, 'sqlite3', database($server));
        print $in ".timeout 5000\nBEGIN EXCLUSIVE;\nSELECT 'locked';\n";
        $in->flush;
        <$out>;
        sleep 3;
        print $in "ROLLBACK;\n.quit\n";
        close $in;
        waitpid $pid, 0;
        sleep 1;
    }
    $flows->check('locked now and then', 3);
}

my $root = $> == 0;
start();
locked();
moved_away();
directory_away();
garbage();
SKIP: {
    skip_here 'permissions mean nothing here: children run as the same user', 1
        if !$root;
    read_only();
}
stumbles();
anew();
$server->finish(qr/AS\d{4}/);
SKIP: {
    skip_here 'a tmpfs can be mounted by root only', 1 if !$root;
    full();
}
done_testing;

END {
    my $status = $?;
    system 'umount', '-l', $_ for @mounted;
    $? = $status;
}
