#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl against a running server: its commands, exit codes, and that it reads
# the server's own configuration.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port});
my $httpd = $server->command_line;

# (exit code, output, errors)
sub acmectl {
    my (@args) = @_;
    my $errors = "$server->{dir}/stderr";
    open my $pipe, '-|', 'sh', '-c', 'exec 2>"$1"; shift; exec "$@"', 'sh',
        $errors, "$AcmeServer::build/acmectl", @args or die $!;
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $text, AcmeServer::read_file($errors));
}

sub ctl { return acmectl('--httpd', $httpd, @_) }

sub json {
    my ($code, $text) = ctl('--json', @_);
    return eval { JSON::PP->new->allow_nonref->decode($text) };
}

my ($code, $text, $errors) = ctl('account', 'list');
is($code, 1, 'no database yet: 1');
like($errors, qr/there is no database/, 'and says so');
$server->start;

my $client = AcmeWire->new(server => $server);
$client->register(contact => ['mailto:a@corp.example']);
my ($account) = $client->{kid} =~ m{([^/]+)$};
my $pem = $client->certificate($responder, 'a.test', 'b.test');
my $pending = $client->order('c.test')->{json}{self};

subtest 'lists' => sub {
    ($code, $text, $errors) = ctl('account', 'list');
    is($code, 0, 'account list: 0');
    is($errors, '', 'and nothing of what httpd says besides');
    like($text, qr/^\Q$account\E +valid/m, 'account list has the account');
    my $orders = json('order', 'list');
    is(scalar @$orders, 2, 'order list has both orders');
    # Of one second they come in any order.
    is(join(' ', sort map { $_->{status} } @$orders), 'pending valid',
        'with the status that follows from their authorizations');
    is(scalar @{ json('order', 'list', '--limit', 1) }, 1, '--limit');
    is(json('order', 'list', '--before', $orders->[0]{id})->[0]{id},
        $orders->[1]{id}, '--before');
    is(scalar @{ json('order', 'list', '--account', $account) }, 2,
        '--account');
    is(scalar @{ json('order', 'list', '--account', 'x' x 22) }, 0,
        '--account of somebody else');
    ($code, $text) = ctl('cert', 'list');
    like($text, qr/valid .*dns:a\.test dns:b\.test/, 'cert list');
};

subtest 'one of them' => sub {
    my $shown = json('account', 'show', $account);
    is($shown->{id}, $account, 'account show');
    like(JSON::PP::encode_json($shown), qr/a\@corp\.example/, 'its contact')
        if $shown;
    ($code, $text) = ctl('order', 'show', $pending =~ m{([^/]+)$});
    like($text, qr/pending.*c\.test/s, 'order show');
    my $authzs = json('authz', 'list', '--account', $account);
    is(join(' ', sort map { "$_->{identifier}=$_->{status}" } @$authzs),
        'dns:a.test=valid dns:b.test=valid dns:c.test=pending', 'authz list');
    is(scalar @{ json('authz', 'list', '--account', 'x' x 22) }, 0,
        '--account of somebody else');
    my $page = json('authz', 'list', '--limit', 1);
    is(json('authz', 'list', '--limit', 1, '--before', $page->[0]{id})->[0]{id},
        json('authz', 'list')->[1]{id}, 'authz list --before');
    ($shown) = map { json('authz', 'show', $_->{id}) }
        grep { $_->{status} eq 'valid' } @$authzs;
    is_deeply($shown->{challenges},
        [{ type => 'http-01', status => 'valid' }], 'authz show: challenges');
    like($shown->{validated}, qr/^20\d\d-/, 'and when it was validated');
    my $cert = json('cert', 'list')->[0];
    ($code, $text) = ctl('cert', 'show', $cert->{id});
    my ($leaf) = $pem =~ /(-----BEGIN.*?-----END [^\n]*\n)/s;
    like($text, qr/\Q$leaf\E/, 'cert show by id prints the PEM');
    ($code, $text) = ctl('cert', 'show', $cert->{serial});
    like($text, qr/\Q$leaf\E/, 'cert show by serial');
    my $serial = substr $cert->{serial}, 4;
    sql($server, "UPDATE certs SET serial = '0000$serial' "
        . "WHERE id = '$cert->{id}'");
    ($code, $text) = ctl('cert', 'show', join ':', uc($serial) =~ /../g);
    like($text, qr/\Q$leaf\E/, 'as browsers show it');
    ($code, $text) = ctl('cert', 'show', $serial);
    like($text, qr/\Q$leaf\E/, 'cert show by serial without zeros in front');
};

subtest 'exit codes' => sub {
    for my $what (qw(account order authz cert)) {
        ($code, undef, $errors) = ctl($what, 'show', 'x' x 22);
        is($code, 3, "$what show of nothing: 3");
        isnt($errors, '', 'and says so');
    }
    for my $args ([], ['account'], ['account', 'grow'], ['account', 'show'],
        ['account', 'list', 'x'], ['--limit', 'x', 'order', 'list'],
        ['--nonsense', 'order', 'list'])
    {
        ($code) = ctl(@$args);
        is($code, 2, "acmectl @$args: 2");
    }
    ($code, undef, $errors) = acmectl('--httpd', 'false', 'account', 'list');
    is($code, 1, 'httpd that fails: 1');
    ($code) = ctl('db', 'check');
    is($code, 0, 'db check: 0');
    ($code, $text) = acmectl('--help');
    is($code, 0, '--help: 0');
    like($text, qr/account deactivate ID/, 'and has the commands');
    ($code, $text) = acmectl('account', 'list', '--help');
    is($code, 0, 'account list --help: 0');
    like($text, qr/--before ID.*exit codes:/s, 'and has options and codes');
    (undef, $text) = acmectl('--help');
    my @commands = $text =~ /^  acmectl ([a-z]+ [a-z]+)/mg;
    my @mute = grep {
        my ($status, $help) = acmectl((split ' '), '--help');
        $status || $help !~ /^usage: acmectl \Q$_\E.*exit codes:/s
    } @commands;
    ok(@commands > 20, 'the commands are told');
    is("@mute", '', 'each has help of its own');
    ($code, $text) = acmectl('account', '--help');
    like($text, qr/account show ID/, 'account --help has its commands');
    unlike($text, qr/order show/, 'and no others');
};

subtest 'a saved configuration, and which server' => sub {
    my ($status, $dump) = $server->command('-t', '-D', 'DUMP_ACME_CONFIG');
    my $file = "$server->{dir}/dump.json";
    AcmeServer::write_file($file, $dump);
    ($code, $text) = acmectl('--config', $file, 'account', 'list');
    is($code, 0, '--config');
    ($code) = acmectl('--config', $file, '--server', 'localhost', 'cert',
        'list');
    is($code, 0, '--server');
    ($code, undef, $errors) = acmectl('--config', $file, '--server',
        'other.test', 'cert', 'list');
    is($code, 2, '--server of nobody: 2');
    like($errors, qr/there are: localhost/, 'and says who there is');
    my ($one) = $dump =~ /^(\[\n.*^\])$/ms;
    my $twins = JSON::PP::decode_json($one);
    push @$twins, { %{ $twins->[0] }, baseURL => 'https://twin.test' };
    AcmeServer::write_file($file, JSON::PP::encode_json($twins));
    ($code, undef, $errors) = acmectl('--config', $file, '--server',
        'localhost', 'cert', 'list');
    is($code, 2, '--server, which is two: 2');
    like($errors, qr{one of: $server->{base} https://twin\.test\n},
        'and says how to tell them apart');
    for my $url ('https://twin.test', "$server->{base}/", 'twin.test',
        $server->{base} =~ s{.*/}{}r) {
        ($code) = acmectl('--config', $file, '--server', $url, 'cert', 'list');
        is($code, 0, "--server $url");
    }
};

subtest 'T39: deactivation by the operator' => sub {
    ($code) = ctl('account', 'deactivate', $account);
    is($code, 0, 'account deactivate: 0');
    refused($client->get($client->{kid}), 401, 'unauthorized', 'T39');
    is(json('account', 'show', $account)->{status}, 'deactivated', 'shown');
    my ($who) = sql($server, "SELECT who FROM events
        WHERE kind = 'account.deactivate' AND account_id = '$account'");
    is($who, 'acmectl:' . getpwuid($<) . "\n", 'and an event tells who did it');
};

SKIP: {
    skip_here 'not root: no other owner', 1 if $> != 0;
    my @foreign = grep { (stat)[4] != getpwnam 'www-data' }
        glob "$server->{state}/db/*";
    is("@foreign", '', 'acmectl as root leaves no file of root behind');
}
$client->detach;
$server->finish;
done_testing;
