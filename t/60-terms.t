#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Terms of service, as certbot, lego and dehydrated meet them, and what the
# access log then knows of each request.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Test::More;
use AcmeClient;
use AcmeServer;
use AcmeTool;

AcmeTool->need('certbot', 'lego', 'dehydrated');

my $terms  = 'https://ca.test/terms/2';
my $server = AcmeServer->new(vhost => "ACMETermsURL $terms")->start;
my $tool   = AcmeTool->new(server => $server, env => {
    REQUESTS_CA_BUNDLE => 'ROOTS', LEGO_CA_CERTIFICATES => 'ROOTS',
    CURL_CA_BUNDLE => 'ROOTS' });
my $dir = $tool->{dir};

sub certbot {
    my (@args) = @_;
    return ('certbot', 'certonly', '-n', '--config-dir', "$dir/certbot",
        '--work-dir', "$dir/work", '--logs-dir', "$dir/log", '--server',
        $server->{directory}, '--register-unsafely-without-email',
        '--standalone', '--http-01-address', '127.0.0.1', '--http-01-port',
        $server->{http01_port}, '-d', 'a.test', @args);
}

my ($status, $text) = $tool->run(certbot());
isnt($status, 0, 'certbot does not go on without --agree-tos');
like($text, qr/\Q$terms\E/, 'and shows what is to be agreed to');
$tool->run_ok('certbot --agree-tos', certbot('--agree-tos'));
$tool->certificate_ok("certbot's certificate is good",
    "$dir/certbot/live/a.test/fullchain.pem", names => ['a.test']);

$tool->run_ok('lego --accept-tos', 'lego', '--server', $server->{directory},
    '--accept-tos', '--email', 'admin@a.test', '--path', "$dir/lego", '--http',
    '--http.port', "127.0.0.1:$server->{http01_port}", '--domains', 'b.test',
    'run');
$tool->certificate_ok("lego's certificate is good",
    "$dir/lego/certificates/b.test.crt", names => ['b.test']);

AcmeServer::write_file("$dir/dehydrated.sh",
    "CA=$server->{directory}\nBASEDIR=$dir\n");
my @dehydrated = ('dehydrated', '--config', "$dir/dehydrated.sh");
($status, $text) = $tool->run(@dehydrated, '--register');
isnt($status, 0, 'dehydrated does not go on without --accept-terms');
like($text, qr/\Q$terms\E/, 'and shows what is to be agreed to');
$tool->run_ok('dehydrated --accept-terms', @dehydrated, '--register',
    '--accept-terms');
is_deeply([$tool->refused], [], 'no request was refused');

my $res = $tool->{checker}->register(termsOfServiceAgreed => JSON::PP::false);
is($res->{status}, 403, 'T37: an account without agreement is refused');
is(AcmeClient::problem($res), 'userActionRequired', 'T37: its problem');
like(join("\n", @{ $res->{headers}{link} }),
    qr/<\Q$terms\E>; *rel="terms-of-service"/, 'T37: its link');

# %h %m %U %>s account order problem
$server->stop;
my @log = map { [split / /] }
    split /\n/, AcmeServer::read_file("$server->{dir}/logs/access.log");
my %lines;
for (@log) {
    my ($kind) = $_->[2] =~ m{^/acme/([\w-]+)};
    push @{ $lines{$kind} }, $_;
}
my %account = map { ($_->[4] => 1) }
    grep { $_->[3] < 400 } @{ $lines{'new-account'} };
is(scalar keys %account, 3, 'access log: the account of each new account');
ok(!exists $account{'-'}, 'which has a name');
for my $kind (qw(new-order order authz chall cert)) {
    my @bad = grep { !$account{ $_->[4] } } @{ $lines{$kind} };
    ok($lines{$kind} && !@bad, "access log: the account of each $kind");
}
my %order = map { ($_->[5] => 1) } @{ $lines{'new-order'} };
is(scalar keys %order, 2, 'access log: the order of each new order');
ok(!exists $order{'-'}, 'which has a name');
is_deeply([grep { !$order{ $_->[5] } || $_->[2] !~ /\Q$_->[5]\E/ }
    @{ $lines{order} }], [], 'access log: the order of each request for it');
is_deeply([map { [@$_[3, 6]] } grep { $_->[6] ne '-' } @log],
    [[403, 'userActionRequired']], 'access log: the problem that was answered');
is_deeply([grep { $_->[4] ne '-' } @{ $lines{directory} }], [],
    'access log: nobody asked for the directory');

$server->finish;
done_testing;
