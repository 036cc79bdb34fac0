#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# acme.sh: EC and RSA keys, several names, renewal; what it asks, and says, by
# RFC 9773.

use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeTool;

AcmeTool->need('acme.sh');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server);
my $home   = "$tool->{dir}/acme.sh";
my $web    = "$tool->{dir}/web";
make_path("$web/.well-known");
symlink $responder->{dir}, "$web/.well-known/acme-challenge" or die $!;
my @base = ('acme.sh', '--home', $home, '--server', $server->{directory},
    '--ca-bundle', $tool->{roots});

sub check {
    my ($what, $kind, @names) = @_;
    my $dir = "$home/$names[0]" . ($kind eq 'EC' ? '_ecc' : '');
    return $tool->certificate_ok("$what is good", "$dir/fullchain.cer",
        names => \@names, kind => $kind, key => "$dir/$names[0].key");
}

sub domains { return map { ('-d', $_) } @_ }

my @rsa = ('b.test', 'c.test', 'd.test');
$tool->run_ok('acme.sh makes an account', @base, '--register-account', '-m',
    'admin@a.test');
$tool->run_ok('acme.sh gets an EC certificate', @base, '--issue', '-w', $web,
    domains('a.test'), '--keylength', 'ec-256');
my $ec = check('the EC certificate', 'EC', 'a.test');
$tool->run_ok('acme.sh gets an RSA certificate', @base, '--issue', '-w', $web,
    domains(@rsa), '--keylength', 2048);
my $rsa = check('the RSA certificate', 'RSA', @rsa);

my @renew = (@base, '--renew', '--ecc', domains('a.test'));
my ($status, $said) = $tool->run(@renew);
is($status, 2, 'T86: it is not due') or diag $said;
my $made = acmectl_json($server, 'renew', '--name', 'a.test');
$tool->run_ok('T86: acme.sh renews when an operator wants it', @renew);
my $next = check('the renewed EC certificate', 'EC', 'a.test');
isnt($next, $ec, 'it is another one');
my $show = acmectl_json($server, 'renew', 'show', $made->{renewal});
is($show->{list}[0]{by}, 'replaces', 'T86: its order said what it replaces');

# It has the certificate of some other CA.
my $stranger = authority('a.test', by => authority('Other CA'), ext => []);
AcmeServer::write_file("$home/a.test_ecc/a.test.cer", $stranger->{pem});
$tool->run_ok('R33: acme.sh tries again without a bad "replaces"', @renew,
    '--force');
isnt(check('the certificate', 'EC', 'a.test'), $next, 'it is another one');
$tool->run_ok('acme.sh renews', @base, '--renew', '--force', domains('b.test'));
my $rsa2 = check('the renewed RSA certificate', 'RSA', @rsa);
isnt($rsa2, $rsa, 'it is another one');
$tool->run_ok('T73: acme.sh revokes', @base, '--revoke', domains('b.test'),
    '--revoke-reason', 4);
$tool->revoked_ok('T75: with its reason', $rsa2, 4);
$tool->run_ok('acme.sh deactivates its account', @base,
    '--deactivate-account');

is_deeply([$tool->refused], ['malformed'],
    'R33: nothing else was refused than the bad "replaces"');
$server->finish;
done_testing;
