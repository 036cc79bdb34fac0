#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# lego 5, whose options come behind the command and whose `run` renews.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use AcmeServer;
use AcmeTool;

AcmeTool->need('lego5');

my $server = AcmeServer->new->start;
my $tool   = AcmeTool->new(server => $server,
    env => { LEGO_CA_CERTIFICATES => 'ROOTS' });
my $certs = "$tool->{dir}/lego/certificates";
my @base  = ('lego5', 'run', '--server', $server->{directory}, '--accept-tos',
    '--email', 'admin@a.test', '--path', "$tool->{dir}/lego", '--http',
    '--http.address', "127.0.0.1:$server->{http01_port}");

sub get {
    my ($what, $kind, $names, @args) = @_;
    $tool->run_ok("lego gets $what", @base, @args,
        map { ('--domains', $_) } @$names);
    my $file = "$certs/$names->[0]";
    return $tool->certificate_ok("$what is good", "$file.crt",
        names => $names, kind => $kind, key => "$file.key");
}

my @renew = ('--renew-force', '--no-random-sleep');
my @rsa = ('RSA', ['b.test', 'c.test', 'd.test'], '--key-type', 'RSA2048');
my $ec = get('an EC certificate', 'EC', ['a.test']);
my $rsa = get('an RSA certificate', @rsa);
my $ec2 = get('the renewed EC certificate', 'EC', ['a.test'], @renew);
isnt($ec2, $ec, 'it is another one');
isnt(get('the renewed RSA certificate', @rsa, @renew, '--reuse-key'), $rsa,
    'it is another one');
$tool->run_ok('T73: lego revokes', 'lego5', 'revoke', '--server',
    $server->{directory}, '--email', 'admin@a.test', '--path',
    "$tool->{dir}/lego", '--domains', 'a.test', '--reason', 4);
$tool->revoked_ok('T75: with its reason', $ec2, 4);

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
