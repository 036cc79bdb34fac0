#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# README's guide, done from nothing: its commands and its configuration as they
# stand there, but for host, directories and ports; then what it promises.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use Text::ParseWords qw(shellwords);
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeServer;
use AcmeTool;

AcmeTool->need('certbot');

my ($guide) = AcmeServer::read_file("$AcmeServer::top/README.md")
    =~ /^## Guide: [^\n]*\n(.*?)^## /ms or die "no guide in README.md\n";
my @sections = $guide =~ /^```apache\n(.*?)^```/msg;
(my $plain = $guide) =~ s/^```.*?^```\n//msg;
my @commands = map { s/^ +|\\\n *//gr }
    $plain =~ /^( {4}(?:[^\n]*\\\n)*[^\n]+)$/mg;
is(scalar @sections, 3, 'three sections of configuration');
is(scalar @commands, 3, 'three commands') or diag explain \@commands;

my $server = AcmeServer->new(
    hosts => [map { "$_.acme.com" } 'www', 'shop', 'a.b'])->start;

# As it is written there, for this machine.
sub here {
    my ($text) = @_;
    $text =~ s{/etc/apache2|/media}{$server->{dir}}g;
    $text =~ s{https://ca\.corp\.example}{$server->{base}}g;
    return $text;
}

# The nth command: must be acmectl.
sub ctl {
    my ($n) = @_;
    my ($program, @args) = shellwords(here($commands[$n]));
    is($program, 'acmectl', "acmectl @args[0, 1]");
    my ($code, $text, $errors) = acmectl($server, @args);
    is($code, 0, 'it is done') or diag $errors;
    is($errors, '', 'without a word of trouble');
    return $text;
}

subtest '1: configure a CA' => sub {
    my $text = ctl(0);
    my ($printed) = $text =~ /(<ACMEIssuer.*<\/ACMEIssuer>\n)/s;
    my $own = here($sections[0]);
    s/\b(?:corp-ca|corp)\b/NAME/g, s/ +/ /g for $printed, $own;
    like($text, qr/offline/, 'it says that the root\'s key goes offline');
    ok(-e "$server->{dir}/acme-root.key", 'and where it is');
    ok(!-e "$server->{dir}/corp-ca/root.key", 'which is not where the CA is');
    unlink "$server->{dir}/acme-root.key" or die $!;
    is($printed, $own, 'it prints the section for the configuration');
};

subtest '2, 3: create a policy and a profile' => sub {
    $server->configure(vhost => here(join '', @sections));
    my ($status, $text) = $server->syntax;
    is($status, 0, 'apachectl configtest') or diag $text;
    unlike($text, qr/AS\d{4}/, 'has nothing to warn of');
    reload($server);
    ($status, $text) = acmectl($server, 'profile', 'list');
    like($text, qr{^web .*\Q$server->{base}\E/acme/web/directory$}m,
        'acmectl profile list shows the directory URL');
    my ($url) = here($commands[2]) =~ /--server (\S+)/;
    like($text, qr{ \Q$url\E$}m, 'which is the guide\'s');
};

my $tool = AcmeTool->new(server => $server,
    env => { REQUESTS_CA_BUNDLE => 'ROOTS' });
my $dir = "$tool->{dir}/certbot";
my @local = ('-n', '--config-dir', $dir, '--work-dir', "$dir/work",
    '--logs-dir', "$dir/log", '--http-01-address', '127.0.0.1',
    '--http-01-port', $server->{http01_port});
my $live = "$dir/live/www.acme.com";

subtest '4: request a certificate' => sub {
    my $text = ctl(1);
    my ($kid)  = $text =~ /^KID +(\S+)$/m;
    my ($hmac) = $text =~ /^HMAC key +(\S+)$/m;
    my ($own) = $text =~ /^(certbot .*?[^\\]\n)/ms;
    $own =~ s/\\\n *//g;
    my $told = here($commands[2]) =~ s/\bHMAC_KEY\b/$hmac/r
        =~ s/\bKID\b/$kid/r;
    is(join("\n", sort(shellwords($own))), join("\n", sort(shellwords($told))),
        'the line for certbot that it prints is the guide\'s');
    $tool->run_ok('certbot gets a certificate', shellwords($told), @local);
    $tool->certificate_ok('it is good', "$live/fullchain.pem",
        names => ['www.acme.com'], key => "$live/privkey.pem");
    is(AcmeTool::x509("$live/cert.pem", '-subject', '-issuer', '-nameopt',
        'RFC2253'), "subject=CN=www.acme.com\nissuer=CN=Acme Corp issuing 1",
        'for that name, of that CA');
    my $said = AcmeClient::run('openssl', 'verify', '-x509_strict',
        '-no-CApath', '-no-CAstore', '-CAfile',
        "$server->{dir}/corp-ca/root.pem", '-untrusted', "$live/chain.pem",
        "$live/cert.pem");
    like($said, qr/: OK$/m, 'whose root certifies it');
};

# certbot for these names, with the account that it has now.
sub certbot {
    my (@names) = @_;
    return $tool->run('certbot', 'certonly', '--standalone', '--agree-tos',
        '--server', "$server->{base}/acme/web/directory", @local,
        map { ('-d', $_) } @names);
}

subtest 'what the guide promises' => sub {
    my ($status, $text) = certbot('shop.acme.com', 'a.b.acme.com');
    isnt($status, 0, 'a.b.acme.com: * is one label');
    like(AcmeServer::read_file("$dir/log/letsencrypt.log"),
        qr/"a\.b\.acme\.com" is refused: policy acme-com allows/,
        "certbot's log says why");
    ($status, $text) = certbot('shop.acme.com');
    is($status, 0, 'another name of the policy') or diag $text;
    ($status, $text) = acmectl($server, shellwords($guide
        =~ /`acmectl (policy explain [^`]*)`/));
    is($status, 4, 'acmectl policy explain: refused');
    like($text, qr/policy acme-com allows/, 'and why');
    my ($code, undef, $errors) = acmectl($server, 'ca', 'init', '--dir',
        "$server->{dir}/corp-ca");
    is($code, 4, 'a CA that is there is not made again');
    like($errors, qr/corp-ca/, 'and says so');
    $tool->run_ok('certbot renews', 'certbot', 'renew', '--force-renewal',
        '--no-random-sleep-on-renew', '--cert-name', 'www.acme.com', '-n',
        '--config-dir', $dir, '--work-dir', "$dir/work", '--logs-dir',
        "$dir/log");
    ok(!$tool->{checker}->verify(AcmeServer::read_file("$live/fullchain.pem"),
        'a.b.acme.com'), 'the certificate is for www.acme.com only');
};

$server->finish;
done_testing;
