#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# getssl: RSA and EC keys, several names, renewal.

use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use AcmeResponder;
use AcmeServer;
use AcmeTool;

AcmeTool->need('getssl');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server,
    env => { CURL_CA_BUNDLE => 'ROOTS' });
my @names = ('a.test', 'b.test', 'c.test');

# It asks DNS itself whether the names are there.
AcmeServer::write_file("$tool->{dir}/host",
    "#!/bin/sh\nfor name; do :; done\necho \"\$name has address 127.0.0.1\"\n");
chmod 0755, "$tool->{dir}/host";
$tool->{env}{PATH} = "$tool->{dir}:" . {$tool->environment}->{PATH};

for my $kind (['rsa', 'RSA'], ['prime256v1', 'EC']) {
    my ($key, $algorithm) = @$kind;
    my $dir = "$tool->{dir}/$key";
    make_path("$dir/a.test");
    AcmeServer::write_file("$dir/getssl.cfg", <<"EOT");
CA="$server->{directory}"
ACCOUNT_EMAIL="admin\@a.test"
ACCOUNT_KEY_TYPE="$key"
ACCOUNT_KEY_LENGTH=2048
PRIVATE_KEY_ALG="$key"
EOT
    AcmeServer::write_file("$dir/a.test/getssl.cfg", <<"EOT");
SANS="b.test,c.test"
USE_SINGLE_ACL="true"
ACL=("$responder->{dir}")
CHECK_REMOTE=false
SKIP_HTTP_TOKEN_CHECK=true
EOT
    my @serials;
    for my $what ('an', 'another') {
        $tool->run_ok("getssl gets $what $algorithm certificate", 'getssl',
            '-U', '-f', '-w', $dir, 'a.test');
        push @serials, $tool->certificate_ok('it is good',
            "$dir/a.test/fullchain.crt", names => \@names, kind => $algorithm,
            key => "$dir/a.test/a.test.key");
    }
    isnt($serials[1], $serials[0], 'it is another one');
}

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
