# SPDX-License-Identifier: Apache-2.0
package AcmePlace;

# A machine of one's own, as far as that is possible without one: mounts and
# networks that end with this process.  Needs root.

use strict;
use warnings;
use IO::Socket::INET;

use AcmeNetns;
use AcmeServer;

my $starter = $$;
my @mounted;

sub sh { AcmeNetns::sh(@_) }

# This process and those that it starts get their own mounts and loopback;
# beyond a cable there is another network, with one socket, which listens.
sub new {
    my ($class) = @_;
    AcmeNetns::leave(AcmeNetns::NEWNS);
    sh(qw(mount --make-rprivate /));
    my $self = bless { port => AcmeServer::free_port(), here => '10.77.0.1',
        there => '10.77.0.2', net => AcmeNetns->new }, $class;
    my $net = $self->{net};
    $net->add('far');
    $net->cable('near0', home => ["$self->{here}/24"],
        far => ["$self->{there}/24"]);
    $self->{listener} = $net->at('far', sub {
        IO::Socket::INET->new(LocalAddr => $self->{there}, Listen => 1024,
            LocalPort => $self->{port}, ReuseAddr => 1)
            or die "cannot listen: $!\n" });
    return $self;
}

# The number of the listening socket, for a program that is to inherit it.
sub inherit {
    my ($self) = @_;
    fcntl $self->{listener}, 2, 0 or die $!; # F_SETFD: no FD_CLOEXEC
    return fileno $self->{listener};
}

# unplug: there is no way to the other network; silence: what is sent gets
# there, and nothing comes back.
sub unplug { $_[0]{net}->unplug('near0') }
sub plug   { $_[0]{net}->plug('near0') }

sub silence {
    my ($self, $off) = @_;
    $self->{net}->ip('far', 'route', $off ? 'del' : 'add',
        "blackhole $self->{here}/32");
}

# A file system that can be filled.
sub disk {
    my ($self, $dir, $size) = @_;
    mkdir $dir;
    sh(qw(mount -t tmpfs -o), "size=$size,mode=0755", 'none', $dir);
    push @mounted, $dir;
    return $dir;
}

# Before its mount point is removed.
END {
    my $status = $?;
    if ($$ == $starter) {
        system 'umount', '-l', $_ for @mounted;
    }
    $? = $status;
}

1;
